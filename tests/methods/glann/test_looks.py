"""Images by their looks: all that is held is bounded, and nothing depends on how it is cut."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from exemplar.estimators import EstimatorsSettings, save_estimators
from exemplar.features.backbone import EstimatorTrunkSettings, load_backbone
from exemplar.features.perceptual import CELLS, perceptual
from exemplar.features.pixelnet import PixelNet, PixelNetSettings
from exemplar.methods.glann import looks
from exemplar.methods.glann.looks import Look, Shown, joined, load_look, nearest_looks
from exemplar.methods.glann.sampling import SamplesSettings
from exemplar.store import layout
from exemplar.store.weights import WeightsError


def images(count: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (count, 8, 8, 3)).astype(np.uint8)


def shown(values: np.ndarray, read: list[slice]) -> Shown:
    def some(part: slice) -> np.ndarray:
        read.append(part)
        return values[part]

    return Shown(len(values), some)


def test_several_passes_find_the_same(monkeypatch) -> None:
    training, queries = images(700), np.concatenate([images(300, 1), images(700)[5:8]])
    rows = np.arange(700) * 2
    own = np.concatenate([np.full(300, -1), rows[5:8]])
    read: list[slice] = []
    told: list[str] = []
    look = load_look(None)
    given = look, Shown(303, lambda part: queries[part]), shown(training, read), rows, 3, own
    found = nearest_looks(*given, told.append)
    assert [(part.start, part.stop) for part in read] == [(0, 700)]
    assert told == ["700/700 training images compared"]
    # Root mean square of grey levels, by plain loops.
    for place in (0, 150, 299, 301):
        apart = [
            (((queries[place].astype(float) - each) ** 2).mean() ** 0.5, row)
            for row, each in zip(rows, training.astype(float), strict=True)
            if row != own[place]
        ]
        assert found.rows[place].tolist() == [row for _, row in sorted(apart)[:3]]
        assert np.allclose(found.distances[place], [d for d, _ in sorted(apart)[:3]], rtol=1e-5)
    monkeypatch.setattr(looks, "HELD_BYTES", 1)
    monkeypatch.setattr(looks, "BLOCK_BYTES", 4 * 192 * 300)
    read.clear()
    again = nearest_looks(*given)
    parts = [(0, 300), (300, 600), (600, 700)]
    assert [(part.start, part.stop) for part in read] == parts * 2
    assert (again.rows == found.rows).all()
    assert (again.distances == found.distances).all()


def test_what_is_compared_by_default_takes_one_pass() -> None:
    settings = SamplesSettings()
    network = PixelNet(3, {"parts": 2}, EstimatorsSettings().network)
    channels = sum(each.shape[1] for each in network.trunk_maps(torch.zeros(1, 3, 32, 32)))
    asked = settings.count + 2 * settings.references
    assert asked * channels * CELLS**2 * 4 <= looks.HELD_BYTES


def test_sets_are_joined_and_only_what_is_needed_is_read() -> None:
    read: list[list[slice]] = [[], [], []]
    values = [images(4), images(0), images(5, 1)]
    both = joined([shown(each, mine) for each, mine in zip(values, read, strict=True)])
    whole = np.concatenate(values)
    assert both.count == 9
    for start in range(9):
        for stop in range(start + 1, 10):
            assert (both.images(slice(start, stop)) == whole[start:stop]).all()
    read[0].clear()
    both.images(slice(5, 7))
    assert not read[0]
    assert not read[1]
    assert read[2][-1] == slice(1, 3)


def test_a_networks_look_is_the_perceptual_distance(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(looks, "PIXELS", 200)  # three images at a time
    with pytest.raises(WeightsError, match="estimators"):
        load_look(EstimatorTrunkSettings())
    torch.manual_seed(0)
    network = PixelNet(3, {"parts": 2}, PixelNetSettings(width=4, hidden=8))
    save_estimators(layout.ESTIMATORS, network, ("a", "b"), EstimatorsSettings(), "rendered")
    settings = EstimatorTrunkSettings(layers=("conv1_2", "conv2_2"))
    look = load_look(settings)
    backbone = load_backbone(settings, layout.ESTIMATORS)
    assert look.name == f"{backbone.name} cells of conv1_2+conv2_2"
    some = images(7)
    assert np.allclose(look.features(some), perceptual(backbone, some), atol=1e-3)


def test_a_look_is_made_of_any_features() -> None:
    brightness = Look("brightness", lambda x: x.mean(axis=(1, 2, 3), dtype=np.float32)[:, None])
    training = (
        np.full((5, 2, 2, 3), 10, np.uint8) * np.arange(5, dtype=np.uint8)[:, None, None, None]
    )
    asked = np.full((1, 2, 2, 3), 33, np.uint8)
    found = nearest_looks(
        brightness, Shown(1, lambda p: asked[p]), Shown(5, lambda p: training[p]), np.arange(5), 2
    )
    assert found.rows.tolist() == [[3, 4]]
    assert found.distances.tolist() == [[3, 7]]
