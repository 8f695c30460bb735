"""What the page of GLANN draws: tiles, curves of distances, precision over recall."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest

from exemplar.report.glann import Others, closeness, image_tile, mosaic, precision_plot
from tests.report.test_pix2pixhd import seen


def others(*distances: float, name: str = "held-out images") -> Others:
    return Others(name, "the nearest training image", "regressor", np.array(distances))


def test_small_images_keep_their_pixels_and_large_ones_are_made_smaller() -> None:
    image = np.random.default_rng(0).integers(0, 256, (28, 28, 3), np.uint8)
    small = image_tile(image, 128, "a", "b")
    assert (
        small.blocky and (seen(small) == image).all() and (small.caption, small.note) == ("a", "b")
    )
    large = image_tile(image.repeat(10, 0).repeat(10, 1), 140)
    assert not large.blocky and seen(large).shape == (140, 140, 3)
    assert len(mosaic("x", np.stack([image] * 3), 14).images) == 3


def test_a_model_that_copies_is_seen() -> None:
    references = others(1.0, 2.0, 3.0)
    copied = closeness(np.zeros(10), [references], "latent space", "distance", "x")
    assert "In latent space 100% of the samples are nearer to a training image" in copied.said
    assert "half of the held-out images are to the nearest training image" in copied.said
    alike = closeness(np.array([1.0, 1.5, 2.5, 3.0]), [references], "space", "distance", "x")
    assert "In space 50% of" in alike.said
    far = closeness(np.full(4, 9.0), [others(20.0, name="near ones"), references], "s", "d", "x")
    assert "In s 0% of" in far.said, "the last of the others is the measure"


def test_shares_of_images_rise_with_the_distance() -> None:
    made = closeness(np.array([3.0, 1.0, 2.0]), [others(4.0, 2.0)], "s", "distance", "x").plot
    assert ">samples to the nearest training image</text>" in made
    assert ">held-out images to the nearest training image</text>" in made
    path = re.findall(r'<path d="([^"]+)"[^>]*var\(--series-pixelnn\)', made)[0]
    points = [(float(x), float(y)) for x, y in re.findall(r"[ML] ([\d.]+) ([\d.]+)", path)]
    across, up = zip(*points, strict=True)
    assert list(across) == sorted(across), "sorted by distance"
    assert list(up) == sorted(up, reverse=True), "SVG counts from above"


def test_curves_of_many_distances_have_few_points() -> None:
    many = closeness(np.random.default_rng(0).random(5000), [others(1.0, 2.0)], "s", "d", "x").plot
    path = re.findall(r'<path d="([^"]+)"[^>]*var\(--series-pixelnn\)', many)[0]
    assert 400 < path.count("L") < 900, "a step has two points"


def test_curves_bear_the_methods_names_and_colours() -> None:
    share = np.linspace(0, 1, 5)
    curves = pd.concat(
        pd.DataFrame({"method": method, "precision": 1 - share, "recall": share})
        for method in ("training", "glann")
    )
    text = precision_plot(curves, "x")
    assert ">GLANN</text>" in text and ">training images</text>" in text
    assert "VAE" not in text
    assert text.count("var(--series-pixelnn)") == 2
    assert ">recall</text>" in text and ">precision</text>" in text
    assert precision_plot(curves[:0], "x") == ""


def test_a_curve_that_starts_at_full_precision_starts_above() -> None:
    curves = pd.DataFrame(
        {"method": "glann", "precision": [1.0, 0.5, 0.0], "recall": [0.0, 0.5, 0.5]}
    )
    text = precision_plot(curves, "x")
    path = re.findall(r'<path d="([^"]+)"[^>]*var\(--series-pixelnn\)', text)[0]
    (x0, y0), (x1, y1), (x2, y2) = (
        (float(x), float(y)) for x, y in re.findall(r"[ML] ([\d.]+) ([\d.]+)", path)
    )
    assert x0 < x1 == x2 and y0 < y1 < y2
    assert y2 - y1 == pytest.approx(y1 - y0, rel=1e-3)
