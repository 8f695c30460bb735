"""Conditions as planes: lines by how near they are, whatever their width; mirrors."""

from __future__ import annotations

import numpy as np
import pytest

from exemplar.labels.sides import exchanged
from exemplar.methods.pixelnn.whole.guides import (
    NEAR,
    condition_planes,
    enlarged,
    line_planes,
    mirrored,
)

SIZE = (64, 64)


def line(width, side=64, strength=1.0):
    edges = np.zeros((side, side), np.float16)
    half = width // 2
    edges[:, side // 2 - half : side // 2 + half + 1] = strength
    return edges


def test_a_line_falls_off_as_a_bell():
    """Blurring a straight line of 1 by σ, times √2π σ, is exp(−d² / 2σ²)."""
    found = line_planes(line(1), SIZE)
    distance = np.abs(np.arange(64) - 32)
    for plane, share in enumerate(NEAR):
        sigma = max(share * 64, 0.7)
        expected = np.exp(-(distance**2) / (2 * sigma**2))
        # Of narrow ones the sum over pixels is not quite the integral.
        assert found[32, :, plane] == pytest.approx(expected, abs=0.03)
    assert found.shape == (64, 64, 2) and found.dtype == np.float32


@pytest.mark.parametrize("width", [3, 5, 7])
def test_thick_ink_says_what_thin_ink_does(width):
    inner = slice(10, -10)  # ends of lines are thinned, too
    thin, thick = (line_planes(line(w), SIZE)[inner] for w in (1, width))
    assert np.abs(thick - thin).max() < 0.05


def test_strength_counts_and_faint_lines_are_none():
    full, half = (line_planes(line(3, strength=s), SIZE)[32, 32] for s in (1, 0.5))
    assert half == pytest.approx(full / 2, rel=0.01)
    assert not line_planes(line(3, strength=0.2), SIZE).any()
    assert not line_planes(np.zeros((20, 20), np.float16), SIZE).any()


def test_small_edges_guide_larger_pictures_in_place():
    found = line_planes(line(3, 32), SIZE)[20:44, :, 1].mean(0)
    assert abs(int(found.argmax()) - 33) <= 1


def test_other_conditions_are_on_the_scale_of_colours():
    labels = np.array([[0, 2], [1, 255]], np.uint8)
    planes = condition_planes("labels", labels, (2, 2), 3)
    assert planes.tolist() == [[[1, 0, 0], [0, 0, 1]], [[0, 1, 0], [0, 0, 0]]]
    small = np.full((12, 12, 3), (0, 51, 255), np.uint8)
    assert condition_planes("lowres", small, (30, 20)) == pytest.approx(
        np.full((30, 20, 3), (0, 0.2, 1)), abs=1e-5
    )
    normals = np.full((4, 4, 3), (0, -1, 1), np.float16)
    assert condition_planes("normals", normals, (4, 4)) == pytest.approx(
        np.full((4, 4, 3), (0, -0.5, 0.5))
    )


def test_a_mirror():
    rng = np.random.default_rng(0)
    table = exchanged(["skin", "l_eye", "r_eye"])
    normals = rng.normal(size=(3, 5, 3)).astype(np.float16)
    turned = mirrored("normals", normals, table)
    assert (turned[1, 0] == normals[1, 4] * [-1, 1, 1]).all() and turned.dtype == np.float16
    labels = np.array([[0, 1, 255], [2, 2, 0]], np.uint8)
    assert mirrored("labels", labels, table).tolist() == [[255, 2, 0], [0, 1, 1]]
    edges = rng.random((3, 4)).astype(np.float16)
    assert (mirrored("edges", edges, table) == edges[:, ::-1]).all()
    small = rng.integers(0, 256, (12, 12, 3), np.uint8)
    assert (mirrored("lowres", small, table) == small[:, ::-1]).all()
    for name, values in (("normals", normals), ("labels", labels), ("edges", edges)):
        assert (mirrored(name, mirrored(name, values, table), table) == values).all()


def test_smaller_planes_are_means():
    planes = np.random.default_rng(1).random((8, 6, 2)).astype(np.float32)
    expected = planes.reshape(4, 2, 3, 2, 2).mean((1, 3))
    assert enlarged(planes, (4, 3)) == pytest.approx(expected, abs=1e-6)
    assert enlarged(planes, (8, 6)) is planes
    assert enlarged(np.full((3, 3, 1), 0.4, np.float32), (7, 5)) == pytest.approx(0.4)
