from __future__ import annotations

import math

import numpy as np
import pytest

from exemplar.metrics.flow import endpoint_error, psnr


def test_the_endpoint_error_is_that_of_a_loop_over_known_pixels() -> None:
    draw = np.random.default_rng(0)
    found, truth = draw.normal(0, 5, (2, 5, 6, 2))
    truth[draw.random((5, 6)) < 0.4] = np.nan
    distances = [
        math.dist(found[row, column], truth[row, column])
        for row in range(5)
        for column in range(6)
        if not math.isnan(truth[row, column, 0])
    ]
    assert 0 < len(distances) < 30
    assert endpoint_error(found, truth) == pytest.approx(math.fsum(distances) / len(distances))


def test_flows_that_cannot_be_compared_are_told() -> None:
    flow = np.zeros((2, 3, 2))
    with pytest.raises(ValueError, match=r"one shape \(H, W, 2\), got \(3, 2, 2\)"):
        endpoint_error(np.zeros((3, 2, 2)), flow)
    with pytest.raises(ValueError, match="NaN everywhere"):
        endpoint_error(flow, flow * np.nan)
    with pytest.raises(ValueError, match="found: expected a displacement"):
        endpoint_error(flow * np.nan, flow)


def test_psnr_is_the_closed_form_of_a_constant_difference() -> None:
    image = np.full((4, 5, 3), 100, np.uint8)
    assert psnr(image + 10, image) == pytest.approx(20 * math.log10(25.5))
    one = image.copy()
    one[0, 0, 0] += 60
    assert psnr(one, image) == pytest.approx(10 * math.log10(255**2 * 60 / 3600))
    assert psnr(image, image) == math.inf


def test_images_that_cannot_be_compared_are_told() -> None:
    image = np.zeros((4, 5, 3), np.uint8)
    for wrong in (image[:3], image.astype(np.float32), image[..., 0]):
        with pytest.raises(ValueError, match="two u8 images"):
            psnr(wrong, image)
