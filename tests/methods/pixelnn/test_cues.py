"""The cues of candidates against their definitions, written out, with a judge that is known."""

from __future__ import annotations

import numpy as np
import pytest

from exemplar.methods.pixelnn.compose import Composed
from exemplar.methods.pixelnn.cues import Examiner, drift
from exemplar.metrics.edges import average_precision, edge_counts
from exemplar.metrics.judge import Seen
from exemplar.metrics.seams import seam_energy

SIDE, COUNT = 24, 3


def seen_in(images: np.ndarray) -> Seen:
    """Of every pixel its colour as a direction, its green as an edge, its parity as a part."""
    normals = images.astype(np.float32) + 1
    normals /= np.linalg.norm(normals, axis=-1, keepdims=True)
    flat = images.reshape(len(images), -1)[:, :4].astype(np.float32)
    return Seen(normals, images[..., 1].astype(np.float32) / 255, flat, flat, images[..., 0] % 2)


@pytest.fixture
def given():
    """Candidates, their sources, f(x) and residuals of two exemplars."""
    rng = np.random.default_rng(0)
    image = rng.integers(0, 256, (COUNT, SIDE, SIDE, 3), np.uint8)
    where = [rng.integers(0, n, (COUNT, SIDE, SIDE)) for n in (2, SIDE, SIDE)]
    residual = rng.integers(-99, 99, (2, SIDE, SIDE, 3)).astype(np.int16)
    composed = Composed(image, np.stack(where, -1).astype(np.int32))
    return composed, rng.integers(0, 256, (SIDE, SIDE, 3), np.uint8), lambda rows: residual[rows]


def examine(condition, stored, given, labels=False):
    composed, regressed, residual = given
    examiner = Examiner(seen_in, condition, labels)  # type: ignore[arg-type]
    return examiner(stored, regressed, composed, residual)


def degrees(a: np.ndarray, b: np.ndarray) -> float:
    """The mean angle, by way of the half-angle's sine."""
    a, b = (v / np.linalg.norm(v, axis=-1, keepdims=True) for v in (a.astype(float), b))
    return float(np.degrees(2 * np.arcsin(np.linalg.norm(a - b, axis=-1) / 2)).mean())


def test_normals_are_compared_by_angle(given):
    stored = np.random.default_rng(1).normal(size=(SIDE, SIDE, 3)).astype(np.float16)
    cues = examine("normals", stored, given)
    normals = seen_in(given[0].image).normals
    expected = [degrees(each, stored.astype(float)) for each in normals]
    assert cues.values["mismatch"] == pytest.approx(expected, abs=1e-2)
    np.testing.assert_array_equal(cues.seen.normals, normals)


def test_edges_are_compared_by_precision(given):
    stored = np.random.default_rng(1).random((SIDE, SIDE)).astype(np.float16)
    found = examine("edges", stored, given).values["mismatch"]
    edges = stored > 0.4995
    strengths = given[0].image[..., 1] / 255
    precision = [float(average_precision(edge_counts(each, edges))) for each in strengths]
    assert found == pytest.approx(1 - np.array(precision))
    assert np.ptp(found) > 0


def test_an_input_without_edges_says_nothing(given):
    found = examine("edges", np.zeros((SIDE, SIDE), np.float16), given).values["mismatch"]
    assert found.tolist() == [0, 0, 0]


def test_small_images_are_compared_by_squares(given):
    stored = np.random.default_rng(1).integers(0, 256, (12, 12, 3), np.uint8)
    found = examine("lowres", stored, given).values["mismatch"]
    blocks = given[0].image.reshape(COUNT, 12, 2, 12, 2, 3).astype(float).mean((2, 4))
    expected = (((blocks - stored) / 255) ** 2).reshape(COUNT, -1).mean(1)
    assert found == pytest.approx(expected, abs=2e-3)  # stored ones are rounded


def test_labels_count_where_the_judge_knows_them(given):
    stored = np.random.default_rng(1).integers(0, 2, (SIDE, SIDE), np.uint8)
    found = examine("labels", stored, given, labels=True).values["mismatch"]
    differs = [(image[..., 0] % 2 != stored).sum() / SIDE**2 for image in given[0].image]
    assert found == pytest.approx(differs)
    assert set(examine("labels", stored, given).values) == {"dissent", "seam", "drift"}


def test_pixels_without_a_class_do_not_count(given):
    stored = np.random.default_rng(1).integers(0, 2, (SIDE, SIDE), np.uint8)
    stored[:, 3:] = 255
    found = examine("labels", stored, given, labels=True).values["mismatch"]
    differs = [(image[:, :3, 0] % 2 != stored[:, :3]).mean() for image in given[0].image]
    assert found == pytest.approx(differs) and np.ptp(found) > 0
    found = examine("labels", np.full_like(stored, 255), given, labels=True).values["mismatch"]
    assert found.tolist() == [0, 0, 0]


def test_the_other_cues(given):
    composed, regressed, residual = given
    found = examine("edges", np.zeros((SIDE, SIDE), np.float16), given).values
    assert all(values.shape == (COUNT,) for values in found.values())
    normals = seen_in(composed.image).normals
    agreed = sum(each.astype(float) for each in normals)
    assert found["dissent"] == pytest.approx([degrees(n, agreed) for n in normals], abs=1e-2)
    assert found["seam"] == pytest.approx(seam_energy(*composed, regressed, residual))
    squares = []
    for image in composed.image:
        difference = image.astype(float) - regressed
        blocks = [
            difference[y : y + 8, x : x + 8].mean((0, 1)) for y in (0, 8, 16) for x in (0, 8, 16)
        ]
        squares.append(np.sqrt(np.mean(np.square(blocks))))
    assert found["drift"] == pytest.approx(squares, rel=1e-5)


def test_drift_is_of_low_frequencies_only():
    grey = np.full((16, 16, 3), 100, np.uint8)
    checks = np.full((2, 16, 16, 3), 90, np.uint8)
    checks[0, (np.indices((16, 16)).sum(0) % 2).astype(bool)] = 110
    assert drift(checks, grey) == pytest.approx([0, 10])
    assert drift(np.full((1, 5, 5, 3), 7, np.uint8), grey[:5, :5]) == pytest.approx([93])
