"""Patch coherence against a loop over all pairs of patches, and where it is known."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exemplar.metrics.patch_coherence import nearest_distances, patch_distance


def patches_of(values: np.ndarray, patch: int) -> np.ndarray:
    """(H, W, patch · patch · C), by index."""
    rows = np.arange(values.shape[0])[:, None] + np.arange(patch) - patch // 2
    columns = np.arange(values.shape[1])[:, None] + np.arange(patch) - patch // 2
    rows, columns = (
        np.clip(each, 0, side - 1)
        for each, side in zip((rows, columns), values.shape, strict=False)
    )
    cut = values[rows[:, None, :, None], columns[None, :, None, :]]
    return cut.reshape(*values.shape[:2], -1).astype(np.float64)


def naive(values, source, patch, classes=None) -> np.ndarray:
    """One patch after the other."""
    mine, theirs = patches_of(values, patch), patches_of(source, patch)
    found = np.full(mine.shape[:2], np.inf)
    for place in np.ndindex(*found.shape):
        distance = np.abs(theirs - mine[place]).mean(-1)
        if classes is not None:
            distance = distance[classes[1] == classes[0][place]]
        found[place] = distance.min(initial=np.inf)
    return found


@settings(max_examples=25, deadline=None)
@given(
    st.tuples(*[st.integers(1, 7)] * 4), st.sampled_from([1, 3, 5]), st.integers(1, 4),
    st.integers(1, 3), st.integers(0, 99),
)  # fmt: skip
def test_every_patch_has_the_nearest_of_all(sides, patch, channels, kinds, seed) -> None:
    draw = np.random.default_rng(seed)
    values, source = draw.random((*sides[:2], channels)), draw.random((*sides[2:], channels))
    classes = draw.integers(0, kinds, sides[:2]), draw.integers(0, kinds, sides[2:])
    for given_classes in (None, classes):
        np.testing.assert_allclose(
            nearest_distances(values, source, patch, given_classes),
            naive(values, source, patch, given_classes),
            rtol=1e-5,
            atol=1e-6,  # of float32
        )


def test_what_is_cut_out_of_the_source_is_no_distance_away() -> None:
    draw = np.random.default_rng(0)
    source = draw.integers(0, 256, (20, 24, 3), np.uint8)
    cut = source[4:17, 3:19]
    inside = nearest_distances(cut, source, 5)[2:-2, 2:-2]
    assert inside.max() == 0
    assert patch_distance(source, source) == 0
    # Complete it is not: what was cut away is missing.
    assert patch_distance(source, cut) > 5


def test_a_shift_in_levels_is_the_distance() -> None:
    flat = np.full((9, 9, 3), 100, np.uint8)
    assert patch_distance(flat + 7, flat) == pytest.approx(7)


def test_classes_hide_patches_of_other_classes() -> None:
    source = np.zeros((6, 8, 3), np.uint8)
    source[:, 4:] = 200
    labels = (source[..., 0] > 0).astype(np.uint8)
    other_way = source[:, ::-1]
    assert patch_distance(other_way, source, (labels, labels), patch=1) == 200
    assert patch_distance(other_way, source, (labels[:, ::-1], labels), patch=1) == 0
    nowhere = nearest_distances(source, source, 1, (labels + 1, labels))
    assert np.isinf(nowhere[:, 4:]).all() and np.isfinite(nowhere[:, :4]).all()
    # The mean is over those that have a patch to be compared with.
    assert patch_distance(source, source, (labels + 1, labels), patch=1) == 200
    assert np.isnan(patch_distance(source, source, (labels + 2, labels)))


def test_what_does_not_fit_is_told() -> None:
    image = np.zeros((4, 4, 3), np.uint8)
    with pytest.raises(ValueError, match=r"as many channels, got \(4, 4, 3\) and \(4, 4, 1\)"):
        nearest_distances(image, image[..., :1])
    with pytest.raises(ValueError, match="odd side, got 4"):
        nearest_distances(image, image, 4)
    with pytest.raises(ValueError, match=r"the second to be \(4, 4\), got \(3, 4\)"):
        nearest_distances(image, image, 3, (image[..., 0], image[:3, :, 0]))
