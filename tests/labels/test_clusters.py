"""Labels of photographs that have none: clusters of features, and edges."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw
from scipy.ndimage import label
from torch import Tensor

from exemplar.labels.clusters import SMALLEST, assign, cluster
from exemplar.methods.semantic_analogy.line_drawings import (
    drawing_labels,
    edge_labels,
    is_drawing,
)

GENERATOR = np.random.default_rng(3)


def network(images: Tensor) -> list[Tensor]:
    """Colours and their contrast, at two sizes."""
    half = torch.nn.functional.avg_pool2d(images, 2, ceil_mode=True)
    return [images * 4, torch.cat([half, half**2], 1)]


def picture(left: tuple, right: tuple, noise: int = 12) -> np.ndarray:
    """Two areas and a disc, with grain."""
    image = Image.new("RGB", (72, 48), left)
    pen = ImageDraw.Draw(image)
    pen.rectangle((36, 0, 71, 47), fill=right)
    pen.ellipse((10, 12, 28, 30), fill=(240, 230, 40))
    grain = GENERATOR.integers(-noise, noise + 1, (48, 72, 3))
    return np.clip(np.asarray(image).astype(int) + grain, 0, 255).astype(np.uint8)


def truth() -> np.ndarray:
    areas = np.zeros((48, 72), int)
    areas[:, 36:] = 1
    disc = Image.new("L", (72, 48))
    ImageDraw.Draw(disc).ellipse((10, 12, 28, 30), fill=1)
    areas[np.asarray(disc) > 0] = 2
    return areas


def test_areas_become_clusters_the_largest_first() -> None:
    labels, clusters = cluster(picture((200, 40, 40), (40, 60, 200)), network, 3)
    assert labels.shape == (48, 72) and labels.dtype == np.uint8
    sizes = np.bincount(labels.ravel())
    assert len(sizes) == 3 and (np.diff(sizes) <= 0).all()
    for area in range(3):
        assert np.bincount(labels[truth() == area]).max() > 0.93 * (truth() == area).sum()
    assert len(clusters.centres) == 3


def test_another_photographs_areas_go_to_the_same_clusters() -> None:
    image = picture((200, 40, 40), (40, 60, 200))
    labels, clusters = cluster(image, network, 3)
    assert (assign(image, network, clusters) == labels).mean() > 0.99
    mirrored = assign(np.ascontiguousarray(image[:, ::-1]), network, clusters._replace())
    assert (mirrored == labels[:, ::-1]).mean() > 0.95


def test_one_seed_one_result() -> None:
    image = picture((200, 40, 40), (120, 60, 90), noise=60)
    first, second = (cluster(image, network, 5, seed=4) for _ in range(2))
    assert (first[0] == second[0]).all() and (first[1].centres == second[1].centres).all()


def test_regions_are_whole() -> None:
    image = picture((120, 100, 100), (100, 100, 120), noise=90)
    labels, _ = cluster(image, network, 4)
    for place in range(labels.max() + 1):
        parts, count = label(labels == place, np.ones((3, 3)))
        for part in range(1, count + 1):
            assert (parts == part).sum() >= SMALLEST * labels.size / 2


def test_an_image_of_one_colour_has_one_cluster_and_wrong_numbers_are_told() -> None:
    flat = np.full((40, 40, 3), 90, np.uint8)
    labels, clusters = cluster(flat, lambda images: [images], 1 + 1)
    assert labels.max() < 2 and len(clusters.centres) == labels.max() + 1
    with pytest.raises(ValueError, match="expected 2 to 64 clusters, got 1"):
        cluster(flat, network, 1)


def drawing(ink: int, paper: int, width: int = 2) -> np.ndarray:
    image = Image.new("L", (120, 90), paper)
    pen = ImageDraw.Draw(image)
    pen.rectangle((20, 20, 90, 70), outline=ink, width=width)
    return np.asarray(image.convert("RGB"))


def test_drawings_of_any_tone_and_stroke_have_the_same_lines() -> None:
    dark, light = drawing(20, 240), drawing(250, 5)
    assert is_drawing(dark) and is_drawing(light)
    assert (drawing_labels(dark) == drawing_labels(light)).all()
    thin, thick = drawing_labels(drawing(0, 255, 1)), drawing_labels(drawing(0, 255, 4))
    # Strokes are made equally thick, so a wide one does not make more of a line.
    assert 0.7 < thick.sum() / thin.sum() < 1.3
    assert thin[20, 20:90].all() and not thin[:15].any()


def test_photographs_are_no_drawings_and_have_edges_where_areas_meet() -> None:
    image = picture((200, 40, 40), (40, 60, 200), noise=3)
    assert not is_drawing(image)
    assert not is_drawing(np.full((9, 9, 3), 7, np.uint8))
    smooth = np.tile(np.linspace(0, 255, 80).astype(np.uint8)[None, :, None], (60, 1, 3))
    assert not is_drawing(smooth)
    lines = edge_labels(image)
    assert set(np.unique(lines)) == {0, 1}
    assert lines[5:43, 34:38].any(1).mean() > 0.95
    assert lines[:, 45:].mean() < 0.1
