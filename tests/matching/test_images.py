"""Whole-image search against sorting all cosines."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exemplar.matching.images import SearchError, build_index, ids, load_index, nearest, save_index


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**31), count=st.integers(1, 9))
def test_equals_sorting_all_cosines(seed, count):
    rng = np.random.default_rng(seed)
    scene = rng.normal(size=(30, 5)).astype(np.float32)
    rows = rng.permutation(100)[:30]
    queries = rng.normal(size=(4, 5)).astype(np.float32)
    found = nearest(build_index(scene, rows), queries, count)
    for query, answer in zip(queries, found, strict=True):
        cosine = [np.dot(query, s) / np.linalg.norm(query) / np.linalg.norm(s) for s in scene]
        best = sorted(range(30), key=lambda i: -cosine[i])[:count]
        assert answer.tolist() == [rows[i] for i in best]


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**31))
def test_a_subset_gives_what_an_index_of_the_subset_gives(seed):
    rng = np.random.default_rng(seed)
    scene = rng.normal(size=(40, 6)).astype(np.float32)
    allowed = np.sort(rng.permutation(40)[:15])
    queries = rng.normal(size=(3, 6)).astype(np.float32)
    whole = nearest(build_index(scene, np.arange(40)), queries, 7, allowed)
    alone = nearest(build_index(scene[allowed], allowed), queries, 7)
    np.testing.assert_array_equal(whole, alone)


def test_survives_the_disk(tmp_path):
    scene = np.random.default_rng(0).normal(size=(8, 3)).astype(np.float32)
    index = build_index(scene, np.arange(10, 18))
    save_index(tmp_path / "a.faiss", index)
    again = load_index(tmp_path / "a.faiss")
    assert ids(again).tolist() == list(range(10, 18))
    np.testing.assert_array_equal(nearest(again, scene, 3), nearest(index, scene, 3))


def test_errors_say_what_to_do(tmp_path):
    index = build_index(np.eye(4, dtype=np.float32), np.arange(4))
    with pytest.raises(SearchError, match="5 exemplars are needed, 4 are there"):
        nearest(index, np.eye(4, dtype=np.float32), 5)
    with pytest.raises(SearchError, match="2 exemplars are needed, 1 are there"):
        nearest(index, np.eye(4, dtype=np.float32), 2, np.array([3, 77]))
    with pytest.raises(SearchError, match="different backbones"):
        nearest(index, np.eye(3, dtype=np.float32), 1)
    with pytest.raises(SearchError, match="no such index; `exemplar reproduce` makes it"):
        load_index(tmp_path / "none.faiss")
    (tmp_path / "bad.faiss").write_bytes(b"not an index")
    with pytest.raises(SearchError, match="not a readable index"):
        load_index(tmp_path / "bad.faiss")
