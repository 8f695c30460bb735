"""What an edit leaves alone, and how well it was kept."""

from __future__ import annotations

import doctest

import numpy as np
import pytest

from exemplar.metrics import unchanged
from exemplar.metrics.flow import psnr
from exemplar.metrics.unchanged import region_psnr, unchanged_region


def test_the_examples_run() -> None:
    found = doctest.testmod(unchanged)
    assert found.attempted > 0 and found.failed == 0


def test_a_margin_around_every_change_is_left_out() -> None:
    source = np.zeros((12, 12), np.uint8)
    target = source.copy()
    target[5, 6] = 1
    region = unchanged_region(target, source, margin=2)
    y, x = np.mgrid[:12, :12]
    np.testing.assert_array_equal(region, (abs(y - 5) > 2) | (abs(x - 6) > 2))
    assert unchanged_region(source, source).all()
    assert not unchanged_region(source + 1, source).any()


def test_only_the_region_counts() -> None:
    draw = np.random.default_rng(0)
    image, reference = draw.integers(0, 256, (2, 8, 9, 3), np.uint8)
    everywhere = np.ones((8, 9), bool)
    assert region_psnr(image, reference, everywhere) == pytest.approx(psnr(image, reference))
    region = everywhere.copy()
    region[:, 4:] = False
    other = image.copy()
    other[:, 4:] = 0
    assert region_psnr(other, reference, region) == region_psnr(image, reference, region)
    assert region_psnr(image, reference, region) == pytest.approx(
        psnr(image[:, :4], reference[:, :4])
    )
    assert region_psnr(image, image, region) == np.inf
    assert np.isnan(region_psnr(image, reference, ~everywhere))


def test_what_does_not_fit_is_told() -> None:
    with pytest.raises(ValueError, match="labels of one shape"):
        unchanged_region(np.zeros((2, 2), int), np.zeros((2, 3), int))
    image = np.zeros((2, 2, 3), np.uint8)
    with pytest.raises(ValueError, match="images of one shape and their region"):
        region_psnr(image, image, np.ones((3, 2), bool))
