"""The nearest training images: a plain loop, ties, copies, and no neighbour of itself."""

from __future__ import annotations

import doctest

import numpy as np
import pytest

from exemplar.methods.glann import provenance
from exemplar.methods.glann.provenance import nearest, nearest_codes, percentiles
from tests.methods.glann.untrained import unit


def blocks(rows: np.ndarray, features: np.ndarray, size: int):
    for start in range(0, len(rows), size):
        yield rows[start : start + size], features[start : start + size]


def naive(query: np.ndarray, rows: np.ndarray, features: np.ndarray, count: int, own: int):
    """Every distance in double precision, sorted."""
    pairs = sorted(
        (float(np.sqrt(((query.astype(np.float64) - each.astype(np.float64)) ** 2).sum())), row)
        for row, each in zip(rows.tolist(), features, strict=True)
        if row != own
    )
    return pairs[:count]


@pytest.mark.parametrize("size", [1, 7, 200])
@pytest.mark.parametrize("queries", [3, 40])  # FAISS computes few and many in other ways
def test_the_same_as_a_plain_loop(size: int, queries: int) -> None:
    rng = np.random.default_rng(0)
    rows = np.sort(rng.permutation(1000)[:60])
    features = rng.standard_normal((60, 9)).astype(np.float32)
    asked = rng.standard_normal((queries, 9)).astype(np.float32)
    own = np.full(queries, -1)
    asked[::2], own[::2] = features[: len(asked[::2])], rows[: len(asked[::2])]
    found = nearest(asked, blocks(rows, features, size), 4, own)
    assert found.rows.shape == found.distances.shape == (queries, 4)
    assert found.rows.dtype == np.int32
    assert found.distances.dtype == np.float32
    for place in range(queries):
        wanted = naive(asked[place], rows, features, 4, own[place])
        assert [row for _, row in wanted] == found.rows[place].tolist()
        assert np.allclose([apart for apart, _ in wanted], found.distances[place], rtol=1e-5)


def test_copies_are_at_no_distance_and_equal_ones_in_order() -> None:
    features = np.tile(1000 + unit(4, 50), (3, 1))  # differences vanish beside such lengths
    rows = np.arange(12) * 10
    found = nearest(features[:4].repeat(6, 0), blocks(rows, features, 5), 3)
    assert (found.distances == 0).all()
    assert found.rows[::6].tolist() == [[0, 40, 80], [10, 50, 90], [20, 60, 100], [30, 70, 110]]


def test_a_copy_beside_it_is_a_neighbour_but_not_the_image_itself() -> None:
    features = unit(6, 8)
    features[4] = features[1]
    found = nearest(features, blocks(np.arange(6), features, 4), 2, np.arange(6))
    assert found.rows[1, 0] == 4
    assert found.rows[4, 0] == 1
    assert (found.distances[[1, 4], 0] == 0).all()
    assert (found.rows != np.arange(6)[:, None]).all()
    assert (found.distances[[0, 2, 3, 5]] > 0).all()


def test_of_fewer_images_than_asked_for_all() -> None:
    features = unit(3, 4)
    found = nearest(features[:2], blocks(np.arange(3), features, 2), 5)
    assert np.sort(found.rows).tolist() == [[0, 1, 2]] * 2
    found = nearest(features, blocks(np.arange(3), features, 2), 5, np.arange(3))
    assert np.sort(found.rows).tolist() == [[1, 2], [0, 2], [0, 1]]


def test_codes_in_any_order(monkeypatch) -> None:
    monkeypatch.setattr(provenance, "BLOCK_BYTES", 4 * 6 * 64)  # 64 codes at a time
    codes, training = unit(30, 6), unit(150, 6, seed=1)
    rows = np.random.default_rng(2).permutation(5000)[:150]
    found = nearest_codes(codes, training, rows, 3)
    for place in range(30):
        wanted = naive(codes[place], rows, training, 3, -1)
        assert found.rows[place].tolist() == [row for _, row in wanted]


def test_percentiles() -> None:
    assert doctest.testmod(provenance, extraglobs={"np": np}).failed == 0
    reference = np.random.default_rng(0).random(500)
    values = np.random.default_rng(1).random(20)
    wanted = [sum(other <= value for other in reference) / 500 for value in values]
    assert np.allclose(percentiles(values, reference), wanted)
