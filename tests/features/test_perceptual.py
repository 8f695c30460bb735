"""Perceptual features against the definition of the distance, place by place."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional

from exemplar.features.perceptual import CELLS, embedded, perceptual
from exemplar.features.pixelnet import PixelNet, PixelNetSettings


def maps(seed: int, count: int = 3) -> list[Tensor]:
    generator = torch.Generator().manual_seed(seed)
    sizes = ((3, 16), (5, 8), (2, 4))
    return [torch.rand(count, c, side, side, generator=generator) for c, side in sizes]


def naive(a: list[np.ndarray], b: list[np.ndarray]) -> float:
    """The distance of two images from their maps (C, H, W), cell by cell."""
    layers = []
    for one, other in zip(a, b, strict=True):
        side = one.shape[1] // CELLS
        cells = []
        for y, x in np.ndindex(CELLS, CELLS):
            apart = np.zeros(len(one))
            for i in range(y * side, (y + 1) * side):
                for j in range(x * side, (x + 1) * side):
                    p, q = one[:, i, j], other[:, i, j]
                    apart += (p / np.linalg.norm(p) - q / np.linalg.norm(q)) / side**2
            cells.append((apart**2).sum())
        layers.append(np.mean(cells))
    return float(np.sqrt(np.mean(layers)))


def test_distances_are_those_of_the_definition() -> None:
    levels = maps(0)
    found = embedded(levels)
    assert found.shape == (3, CELLS * CELLS * 10)
    each = [[level[b].double().numpy() for level in levels] for b in range(3)]
    for i, j in ((0, 1), (0, 2), (1, 2)):
        apart = float((found[i] - found[j]).norm())
        assert apart == pytest.approx(naive(each[i], each[j]), rel=1e-4)


def test_every_layer_counts_alike_whatever_its_size_and_scale() -> None:
    # Opposite corners of the channels at one layer, the same at the others.
    for level in range(3):
        one, other = maps(1, 1), maps(1, 1)
        for k, (a, b) in enumerate(zip(one, other, strict=True)):
            a.zero_()[:, 0] = 7.0 * 10**k
            b.zero_()[:, 1 if k == level else 0] = 3.0
        apart = float((embedded(one) - embedded(other)).norm())
        assert apart == pytest.approx(np.sqrt(2 / 3), rel=1e-5)


def test_an_activation_of_zero_is_no_division_by_it() -> None:
    levels = [level.zero_() for level in maps(2)]
    assert torch.equal(embedded(levels), torch.zeros(3, CELLS * CELLS * 10))


@pytest.fixture(scope="module")
def network() -> PixelNet:
    torch.manual_seed(0)
    return PixelNet(3, {"normals": 3}, PixelNetSettings(width=4, hidden=8)).eval()


def photographs(count: int, side: int = 32) -> np.ndarray:
    noise = np.random.default_rng(0).random((count, 3, side // 4, side // 4), np.float32)
    smooth = functional.interpolate(torch.from_numpy(noise), (side, side), mode="bilinear")
    return (smooth.permute(0, 2, 3, 1) * 255).byte().numpy()


def test_images_pass_the_network_in_parts(network: PixelNet) -> None:
    images = photographs(11)
    found = perceptual(network.trunk_maps, images)
    with torch.no_grad():
        x = torch.from_numpy(images).permute(0, 3, 1, 2) / 255
        expected = embedded(network.trunk_maps(x)).numpy()
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_a_moved_image_is_nearer_than_another(network: PixelNet) -> None:
    images = photographs(2)
    moved = np.roll(images[0], 1, axis=1)
    a, near, other = perceptual(network.trunk_maps, np.stack([images[0], moved, images[1]]))
    assert 0 < np.linalg.norm(near - a) < 0.5 * np.linalg.norm(other - a)


def test_what_does_not_fit_is_said(network: PixelNet) -> None:
    with pytest.raises(ValueError, match=r"expected \(B, H, W, 3\) uint8, got \(32, 32, 3\) uint8"):
        perceptual(network.trunk_maps, photographs(1)[0])
    with pytest.raises(ValueError, match=r"got \(1, 32, 32, 3\) float32"):
        perceptual(network.trunk_maps, photographs(1).astype(np.float32))
