"""The page of Semantic Image Analogy: what it draws of a source, and where pixels come from."""

from __future__ import annotations

import base64
import io
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from exemplar.labels.colours import label_palette
from exemplar.report.layouts import classes_of, gathered, label_picture, training_plots
from tests.methods.semantic_analogy.labelled import given, labels_of

SCORES = pd.DataFrame(
    {
        "method": ["patches", "patches", "gan", "gan"],
        "target": ["other", "all", "other", "all"],
        "mean_iou": [61.4, 60.0, 50.0, 52.0],
        "patch_distance": [3.21, 3.0, 6.0, 6.5],
        "identity_psnr": np.nan,
        "unchanged_psnr": [np.inf, np.inf, 30.2, 30.0],
        "psnr_to_truth": [25.0, 25.0, 20.0, 20.0],
    }
)
CURVE = pd.DataFrame(
    {"step": [50, 100], "seconds": [7.0, 14.0], "mean_iou": [30.0, 52.0],
     "patch_distance": [9.0, 6.5]}
)  # fmt: skip


def picture_of(uri: str) -> np.ndarray:
    data = base64.b64decode(uri.removeprefix("data:image/png;base64,"))
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """What two methods made of one target; one knows where from."""
    image = given().targets[1].truth
    for method in ("gan", "patches"):
        (tmp_path / method).mkdir()
        Image.fromarray(image).save(tmp_path / method / "other.png")
    places = np.moveaxis(np.indices((40, 40)), 0, -1).astype(np.int32)
    places[:, 20:] = places[:, :20]
    np.savez_compressed(tmp_path / "patches" / "other.npz", places=places, votes=0)
    return tmp_path


def test_a_source_its_targets_and_what_was_made(folder: Path) -> None:
    shown = gathered(given(), folder, SCORES, CURVE, 80)
    assert shown.said == "40×40 pixels of a house, CC0-1.0"
    assert [tile.caption for tile in shown.source] == ["source", "its labels", "its places"]
    image = picture_of(shown.source[0].picture)
    np.testing.assert_array_equal(image, given().source.image.repeat(2, 0).repeat(2, 1))
    identity, other = shown.rows
    assert [tile.caption for tile in identity.given] == ["layout"] and identity.made == []
    assert [tile.caption for tile in other.given] == ["layout", "the truth"]
    assert [(tile.caption, tile.note) for tile in other.made] == [
        ("Patches of the source", "IoU 61, patch 3.2, unchanged ∞, truth 25 dB"),
        ("GAN of one image", "IoU 50, patch 6.0, unchanged 30 dB, truth 20 dB"),
    ]
    (placed,) = other.placed
    assert placed.note == "50% of the source"
    assert "100 steps in 14 seconds; useful after 14" in shown.reached


def test_votes_bring_the_pixels_around_matches(folder: Path) -> None:
    path = folder / "patches" / "other.npz"
    # All match one place: the image's corners have copies of what lies around it.
    places = np.zeros((40, 40, 2), np.int32) + 20
    for votes, copies in ((0, 1), (1, 9), (4, 81)):
        np.savez_compressed(path, places=places, votes=votes)
        (placed,) = gathered(given(), folder, SCORES, CURVE, 80).rows[1].placed
        assert placed.note == f"{copies / 1600:.0%} of the source"


def test_labels_have_the_colours_that_the_legend_says() -> None:
    house = given()
    legend = classes_of(house)
    assert [name for name, _ in legend] == list(house.source.classes)
    drawn = label_picture(labels_of(0))
    door = drawn[labels_of(0) == 2][0]
    assert legend[2][1] == "#" + bytes(door.tolist()).hex()
    assert tuple(door) == tuple(label_palette()[2])


def test_curves_have_the_other_methods_as_levels() -> None:
    iou, patch = training_plots("house", CURVE, SCORES)
    assert "mean IoU" in iou and "patch distance" in patch
    for plot in (iou, patch):
        assert plot.startswith('<svg role="img" aria-label="house: ')
        assert "GAN of one image" in plot and "Patches of the source" in plot
        assert "Deep Image Analogy" not in plot
    assert training_plots("house", CURVE, SCORES) == [iou, patch]
