from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from exemplar.methods.deep_analogy.inverse import (
    InverseNetworkSettings,
    load_inverse,
    new_inverse,
    save_inverse,
)
from exemplar.store.weights import WeightsError, save_weights
from tests.methods.deep_analogy.small_pyramid import WIDTHS, small_pyramid

SETTINGS = InverseNetworkSettings(width=2)


@pytest.mark.parametrize("up", [True, False])
@pytest.mark.parametrize("size", [(16, 8), (13, 9), (9, 18), (15, 11)])
def test_maps_of_any_size(up: bool, size: tuple[int, int]) -> None:
    pyramid = small_pyramid(up=up)
    inverse = new_inverse(pyramid, SETTINGS)
    maps = pyramid(torch.rand(2, 3, *size))
    for level in (2, 3):
        finer = maps[level - 2]
        made = inverse(maps[level - 1], level, (finer.shape[2], finer.shape[3]))
        assert made.shape == finer.shape
        assert float(made.detach().min()) >= 0


def test_a_cell_becomes_the_pixels_in_its_place() -> None:
    """What is far away has no influence: two 3×3 convolutions on each map, and no more."""
    pyramid = small_pyramid()
    inverse = new_inverse(pyramid, SETTINGS)
    maps = pyramid(torch.rand(1, 3, 48, 48))
    other = maps[1].clone()
    other[..., 10, 14] += 5
    with torch.no_grad():
        changed = (inverse(maps[1], 2, (48, 48)) != inverse(other, 2, (48, 48)))[0].any(0)
    rows, columns = changed.any(1).nonzero().flatten(), changed.any(0).nonzero().flatten()
    # Cell 10 is rows 20 and 21; 2 cells and 2 pixels around it may change.
    assert rows.min() >= 20 - 4 - 2 and rows.max() <= 21 + 4 + 2
    assert columns.min() >= 28 - 4 - 2 and columns.max() <= 29 + 4 + 2
    assert changed[20:22, 28:30].any()


def test_sizes_and_levels_are_checked() -> None:
    inverse = new_inverse(small_pyramid(), SETTINGS)
    x = torch.rand(1, WIDTHS[1], 5, 4)
    for size in ((10, 8), (9, 7), (11, 9)):
        assert inverse(x, 2, size).shape[2:] == size
    with pytest.raises(
        ValueError, match=r"level 1 about 2 times as large as \(5, 4\), got \(10, 6"
    ):
        inverse(x, 2, (10, 6))
    with pytest.raises(ValueError, match=r"a level of 2 to 3, got 1"):
        inverse(x, 1, (10, 8))
    with pytest.raises(ValueError, match=r"a level of 2 to 3, got 4"):
        inverse(x, 4, (10, 8))


def test_read_again_it_is_the_same(tmp_path: Path) -> None:
    pyramid = small_pyramid()
    inverse = new_inverse(pyramid, SETTINGS)
    inverse.block(3).coarse_size.fill_(7)
    path = tmp_path / "inverse.safetensors"
    save_inverse(path, inverse, {"images": 3})
    again = load_inverse(path, pyramid)
    x = torch.rand(1, WIDTHS[2], 3, 3)
    assert torch.equal(again(x, 3, (6, 5)), inverse(x, 3, (6, 5)))
    assert not again(x, 3, (6, 5)).requires_grad
    assert json.loads(path.with_suffix(".json").read_text())["facts"] == {"images": 3}


def test_of_another_backbone_it_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "inverse.safetensors"
    save_inverse(path, new_inverse(small_pyramid(), SETTINGS), {})
    with pytest.raises(
        WeightsError,
        match=r"(?s)inverse\.safetensors: the inverse of another backbone: expected that of other "
        r"at a, b, c, got that of small at a, b, c; run the stage `analogy_inverse`",
    ):
        load_inverse(path, small_pyramid(name="other"))


def test_other_files_are_refused(tmp_path: Path) -> None:
    pyramid, path = small_pyramid(), tmp_path / "other.safetensors"
    with pytest.raises(WeightsError, match=r"other\.safetensors: no such file"):
        load_inverse(path, pyramid)
    save_weights(path, {"x": torch.ones(1)}, {"network": "pixelnet"})
    with pytest.raises(WeightsError, match=r"not the inverse of a backbone: of 'pixelnet'"):
        load_inverse(path, pyramid)
    inverse = new_inverse(pyramid, SETTINGS)
    save_weights(path, inverse.state_dict(), {"network": "analogy inverse"})
    with pytest.raises(WeightsError, match=r"not the inverse of a backbone: 'pyramid'"):
        load_inverse(path, pyramid)
    save_weights(path, {"x": torch.ones(1)}, inverse.config)
    with pytest.raises(WeightsError, match=r"(?s)do not fit.*unexpected x"):
        load_inverse(path, pyramid)
