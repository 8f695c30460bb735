"""Which images the large network sees, and what its distances are called."""

from __future__ import annotations

import numpy as np
import pytest

from exemplar.metrics.kernel_distance import kernel_distance, kernel_interval
from exemplar.metrics.sampled_columns import COLUMNS, FD, FEATURES, HIGH, KID, LOW
from exemplar.metrics.sampled_distance import SampledDistances, SampledSettings

SETTINGS = SampledSettings(candidates=3, photographs=5)


class Means:
    """Three features: the mean colour. Counts what it sees."""

    name = "means#00"

    def __init__(self) -> None:
        self.seen = 0

    def __call__(self, images: np.ndarray) -> np.ndarray:
        self.seen += len(images)
        return images.astype(np.float32).mean((1, 2)) / 255


def images(count: int, seed: int) -> np.ndarray:
    draw = np.random.default_rng(seed)
    flat = draw.integers(0, 256, (count, 1, 1, 3), np.uint8)
    return np.broadcast_to(flat, (count, 4, 4, 3))


def test_so_many_candidates_are_seen_the_same_ones_of_every_method() -> None:
    see = Means()
    found = SampledDistances(SETTINGS, 0, see)
    found.add_photographs(images(6, 0))
    made = {name: images(9, seed) for seed, name in enumerate(("a", "b"))}
    for method in ("one", "other"):
        for name, candidates in made.items():
            found.add(method, name, candidates)
    assert see.seen == 6 + 2 * 2 * 3
    assert found.of("one") == found.of("other")
    assert found.difference("one", "other") == pytest.approx((0, 0))
    # Fewer candidates than are drawn: all of them, whatever the seed.
    for seed in (0, 1):
        few = SampledDistances(SETTINGS, seed, see)
        few.add_photographs(images(6, 0))
        stacked = np.stack([see(images(2, k)) for k in (3, 4)])
        for k in (3, 4):
            few.add("few", str(k), images(2, k))
        assert few.of("few")[KID] == pytest.approx(kernel_distance(see(images(6, 0)), stacked))
        low, high = kernel_interval(see(images(6, 0)), stacked, seed)
        assert (few.of("few")[LOW], few.of("few")[HIGH]) == pytest.approx((low, high))


def test_another_seed_draws_others() -> None:
    found = []
    for seed in (0, 1, 2):
        each = SampledDistances(SETTINGS, seed, Means())
        each.add_photographs(images(6, 0))
        for k in range(4):
            each.add("one", str(k), images(9, k))
        found.append(each.of("one")[KID])
    assert len(set(found)) == 3


def test_photographs_are_drawn_from_the_rows_given() -> None:
    rows = np.array([3, 5, 8, 13, 21, 34, 55])
    drawn = SampledDistances(SETTINGS, 0, Means()).chosen(rows)
    assert len(drawn) == 5 and set(drawn) <= set(rows) and (np.diff(drawn) > 0).all()
    assert SampledDistances(SETTINGS, 0, Means()).chosen(rows[:3]).tolist() == [3, 5, 8]


def test_what_cannot_be_measured_is_left_out() -> None:
    found = SampledDistances(SETTINGS, 0, Means())
    found.add_photographs(images(6, 0))
    found.add("one", "a", images(9, 1))
    assert found.of("one") == {}  # of a single test image
    found.add("one", "b", images(9, 2))
    # Six images for three features are enough for the Fréchet distance, too.
    assert set(found.of("one")) == set(COLUMNS)
    assert found.of("one")[FEATURES] == (
        "means#00, of 6 photographs and 3 candidates of each test image"
    )
    assert found.of("one")[FD] > 0
