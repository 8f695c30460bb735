"""A trained pix2pix: images known by input and seed, and files that are read back or refused."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from exemplar.methods.pix2pix import generator as module
from exemplar.methods.pix2pix.generator import Pix2Pix, load_pix2pix, save_pix2pix, to_bytes
from exemplar.store.weights import WeightsError
from exemplar.training.unet import UNet, UNetSettings
from tests.methods.pix2pix.tiny import SIDE, tiny_pairs


def _made(condition="edges", channels=1, classes=()):
    torch.manual_seed(0)
    network = UNet(channels, UNetSettings(width=4, levels=3, noisy=2))
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, 0, 0.3)
    return Pix2Pix(network, condition, classes, "float32")


def test_images_are_of_their_input_and_seed_alone():
    made, pairs = _made(), tiny_pairs()
    images = made(pairs.stored, pairs.size, 5, [10, 11, 12, 13, 14, 15])
    assert images.shape == (6, 5, SIDE, SIDE, 3) and images.dtype == np.uint8
    for place in (0, 4):
        alone = made(pairs.stored[place : place + 1], pairs.size, 5, [10 + place])
        np.testing.assert_array_equal(alone[0], images[place])
    other = made(pairs.stored[:1], pairs.size, 5, [99])
    assert (other[0] != images[0]).any((1, 2, 3)).all()
    flat = images[0].reshape(5, -1)
    assert len({row.tobytes() for row in flat}) == 5


def test_many_are_made_in_parts_and_each_part_has_noise_of_its_own(monkeypatch):
    made, pairs = _made(), tiny_pairs()
    monkeypatch.setattr(module, "PIXELS", 3 * SIDE * SIDE)
    sizes = []
    forward = made.network.forward
    monkeypatch.setattr(
        made.network, "forward", lambda x, n, count: sizes.append(count) or forward(x, n, count)
    )
    images = made(pairs.stored[:1], pairs.size, 8, [0])[0]
    assert sizes == [3, 3, 2]
    assert len({image.tobytes() for image in images}) == 8


@pytest.mark.parametrize("size", [(SIDE, SIDE), (17, 29)])
def test_lowres_is_magnified_to_any_size(size):
    made = _made("lowres", 3)
    stored = np.random.default_rng(0).integers(0, 256, (2, 12, 12, 3), np.uint8)
    assert made(stored, size, 1, [0, 1]).shape == (2, 1, *size, 3)


@given(st.floats(0, 1, width=32))
def test_bytes_are_rounded(value):
    found = to_bytes(torch.full((1, 3, 1, 1), value))
    assert abs(int(found[0, 0, 0, 0]) - 255 * value) <= 0.501
    assert found.shape == (1, 1, 1, 3)


def test_what_is_saved_is_read_back(tmp_path):
    made = _made("labels", 2, ("ground", "square"))
    save_pix2pix(tmp_path / "g.safetensors", made)
    back = load_pix2pix(tmp_path / "g.safetensors")
    assert (back.condition, back.classes, back.precision) == (
        "labels", ("ground", "square"), "float32",
    )  # fmt: skip
    pairs = tiny_pairs("labels")
    np.testing.assert_array_equal(
        back(pairs.stored, (SIDE, SIDE), 3, [0] * 6), made(pairs.stored, (SIDE, SIDE), 3, [0] * 6)
    )
    assert not back.network.training


@pytest.mark.parametrize("without", ["condition", "settings", "network"])
def test_other_files_are_refused(tmp_path, without):
    path = tmp_path / "g.safetensors"
    save_pix2pix(path, _made())
    config = json.loads(path.with_suffix(".json").read_text())
    config.pop(without)
    path.with_suffix(".json").write_text(json.dumps(config))
    with pytest.raises(WeightsError, match=r"g\.safetensors: not a generator of pix2pix"):
        load_pix2pix(path)


def test_weights_of_another_size_are_refused(tmp_path):
    path = tmp_path / "g.safetensors"
    save_pix2pix(path, _made())
    config = json.loads(path.with_suffix(".json").read_text())
    config["settings"]["width"] = 5
    path.with_suffix(".json").write_text(json.dumps(config))
    with pytest.raises(WeightsError, match=r"down\.0\.weight: expected \(5, 1, 4, 4\), got \(4,"):
        load_pix2pix(path)
