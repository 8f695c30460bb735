import doctest
from math import isnan

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from exemplar.metrics import segmentation
from exemplar.metrics.segmentation import confusion, scores

LABELS = arrays(np.uint8, (4, 5), elements=st.sampled_from([0, 1, 2, 255]))


def naive(predicted: np.ndarray, truth: np.ndarray, classes: int, with_ignore: bool):
    """Pixel by pixel with sets."""
    places = [p for p in np.ndindex(truth.shape) if with_ignore or truth[p] != 255]
    right = [p for p in places if predicted[p] == truth[p]]
    ious = []
    for label in range(classes):
        is_it = {p for p in places if truth[p] == label}
        seen = {p for p in places if predicted[p] == label}
        if is_it | seen:
            ious.append(len(is_it & seen) / len(is_it | seen))
    accuracy = 100 * len(right) / len(places) if places else float("nan")
    return accuracy, sum(ious) / len(ious) if ious else float("nan")


@given(LABELS, LABELS)
@settings(max_examples=60, deadline=None)
def test_equals_a_count_by_sets(predicted: np.ndarray, truth: np.ndarray) -> None:
    found = scores(confusion(predicted, truth, 3))
    np.testing.assert_allclose(found[:2], naive(predicted, truth, 3, False))
    np.testing.assert_allclose(found[2:], naive(predicted, truth, 3, True))


def test_a_small_case_by_hand() -> None:
    truth = np.array([[0, 0, 1, 255]])
    predicted = np.array([[0, 1, 1, 1]])
    found = scores(confusion(predicted, truth, 2))
    assert found.pixel_accuracy == pytest.approx(200 / 3)
    assert found.mean_iou == pytest.approx((1 / 2 + 1 / 2) / 2)
    assert found.pixel_accuracy_with_ignore == pytest.approx(50)
    assert found.mean_iou_with_ignore == pytest.approx((1 / 2 + 1 / 3) / 2)


def test_counts_of_images_add_up() -> None:
    rng = np.random.default_rng(0)
    a, b = rng.integers(0, 3, (2, 6, 4, 4))
    together = confusion(a, b, 3)
    assert (together == sum(confusion(x, y, 3) for x, y in zip(a, b, strict=True))).all()


def test_another_ignore_label_and_nothing_labelled() -> None:
    counts = confusion([[0, 1]], [[-1, -1]], 2, ignore=-1)
    found = scores(counts)
    assert isnan(found.pixel_accuracy) and isnan(found.mean_iou)
    assert found.pixel_accuracy_with_ignore == 0 == found.mean_iou_with_ignore


@pytest.mark.parametrize(
    ("predicted", "truth", "ignore", "message"),
    [
        ([[0, 3]], [[0, 0]], 255, r"predicted: labels \[3\] have no class; expected 0…1"),
        ([[0, 1]], [[0, -1]], 255, r"truth: labels \[-1\]"),
        ([[0]], [[0, 1]], 255, r"one shape, got \(1, 1\) and \(1, 2\)"),
        ([[0.0]], [[0]], 255, "predicted: expected integer labels, got float64"),
        ([[0]], [[0]], 1, r"ignore label outside 0…1, got 1"),
    ],
)
def test_wrong_labels_are_told(predicted, truth, ignore, message) -> None:
    with pytest.raises(ValueError, match=message):
        confusion(predicted, truth, 2, ignore)


def test_scores_want_a_square_matrix() -> None:
    with pytest.raises(ValueError, match=r"got \(2, 3\)"):
        scores(np.zeros((2, 3)))


def test_the_examples_run() -> None:
    found = doctest.testmod(segmentation)
    assert found.attempted and not found.failed
