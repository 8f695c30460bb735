"""The whole-image index of both kinds against sorting all cosines, and its file."""

from __future__ import annotations

import faiss
import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from exemplar.matching import index as index_module
from exemplar.matching import scenes as scenes_module
from exemplar.matching.index import build_index, ids, load_index, save_index, search_index
from exemplar.matching.scenes import SearchError, cosines, features_of, unit
from tests.matching.scenes import clustered, naive, stored

LISTS = 0  # the greatest size of an exact index, for one with inverted lists
ALL = settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])


@ALL
@given(seed=st.integers(0, 2**31), count=st.integers(1, 9), copies=st.booleans())
def test_exact_equals_sorting_all_cosines(tmp_path, seed, count, copies):
    rng = np.random.default_rng(seed)
    features = rng.normal(size=(70, 5)).astype(np.float32)
    if copies:  # many are equal: the lower rows come first
        features[rng.permutation(70)[:40]] = features[3] * 8
    rows, queries = rng.permutation(70)[:50], rng.normal(size=(4, 5)).astype(np.float32)
    queries[0] = features[3]
    scene = stored(tmp_path, features)
    found = search_index(build_index(scene, rows), scene, unit(queries), count)
    assert found.tolist() == [naive(features, rows, query, count) for query in queries]


def test_inverted_lists_find_nearly_all_of_the_nearest(tmp_path, monkeypatch):
    monkeypatch.setattr(index_module, "SAMPLE", 512)
    features = clustered(0, 3000, 400)
    rows = np.flatnonzero(np.arange(3000) % 7)
    scene = stored(tmp_path, features)
    index = build_index(scene, rows, LISTS)
    assert faiss.extract_index_ivf(index).nlist == int(4 * np.sqrt(len(rows)))
    assert index.index.d == 256
    queries = clustered(0, 3020, 400)[3000:]
    found = search_index(index, scene, unit(queries), 11)
    exact = [naive(features, rows, query, 11) for query in queries]
    shared = [len(set(a) & set(b)) for a, b in zip(found.tolist(), exact, strict=True)]
    assert np.mean(shared) >= 0.95 * 11
    # What is found is in exact order, whatever the lists hold.
    for query, row in zip(queries, found, strict=True):
        assert naive(features, row, query, 11) == row.tolist()
        assert set(row.tolist()) <= set(rows.tolist())


def test_inverted_lists_give_all_when_all_are_asked_for(tmp_path):
    features = clustered(1, 90, 30)
    scene, rows = stored(tmp_path, features), np.arange(0, 90, 2)
    index = build_index(scene, rows, LISTS)
    found = search_index(index, scene, unit(features[:3]), len(rows))
    assert found.tolist() == [naive(features, rows, query, 45) for query in features[:3]]


def test_features_that_span_little_are_searched_too(tmp_path):
    """Copies of three features: fewer directions than dimensions, fewer centres than lists."""
    features = np.eye(3, 20, dtype=np.float32)[np.arange(60) % 3]
    scene = stored(tmp_path, features)
    index = build_index(scene, np.arange(60), LISTS)
    found = search_index(index, scene, features[1:2], 4)
    assert found.tolist() == [[1, 4, 7, 10]]


@pytest.mark.parametrize("limit", [LISTS, 1 << 20])
def test_survives_the_disk_and_equal_features_give_equal_bytes(tmp_path, limit):
    features = clustered(2, 300, 40)
    scene, rows = stored(tmp_path, features), np.arange(5, 299, 3)
    threads = torch.get_num_threads(), faiss.omp_get_max_threads()
    save_index(tmp_path / "a.faiss", build_index(scene, rows, limit))
    try:
        torch.set_num_threads(2)
        faiss.omp_set_num_threads(2)
        index = build_index(scene, rows[::-1], limit)
        assert (torch.get_num_threads(), faiss.omp_get_max_threads()) == (2, 2)
    finally:
        torch.set_num_threads(threads[0])
        faiss.omp_set_num_threads(threads[1])
    save_index(tmp_path / "b.faiss", index)
    assert (tmp_path / "a.faiss").read_bytes() == (tmp_path / "b.faiss").read_bytes()
    again = load_index(tmp_path / "a.faiss")
    assert ids(again).tolist() == rows.tolist()
    queries = unit(features[:4])
    expected = search_index(index, scene, queries, 5)
    np.testing.assert_array_equal(search_index(again, scene, queries, 5), expected)


@pytest.mark.parametrize("limit", [LISTS, 1 << 20])
def test_a_damaged_file_is_told(tmp_path, limit):
    path = tmp_path / "some.faiss"
    save_index(path, build_index(stored(tmp_path, clustered(3, 80, 20)), np.arange(80), limit))
    whole = path.read_bytes()
    middle = len(whole) // 2
    turned = whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1 :]
    for damaged in (turned, whole[:-1], whole[:middle], whole + b"\n", b"not an index", b""):
        path.write_bytes(damaged)
        with pytest.raises(SearchError, match=r"some\.faiss: damaged.*remove it and run `exemp"):
            load_index(path)
    with pytest.raises(SearchError, match=r"none\.faiss: no such index; `exemplar reproduce`"):
        load_index(tmp_path / "none.faiss")


@pytest.mark.parametrize("limit", [LISTS, 1 << 20])
def test_what_cannot_be_indexed_is_told(tmp_path, limit):
    features = clustered(4, 30, 8)
    features[[4, 9, 20], 3] = np.nan, np.inf, np.nan
    scene = stored(tmp_path, features)
    with pytest.raises(SearchError, match=r"scene: values that are not finite in rows \[4, 9\]"):
        build_index(scene, np.arange(20), limit)
    build_index(scene, np.array([1, 2, 3, 5]), limit)  # nothing is learned from others
    with pytest.raises(SearchError, match="no exemplars to index; add training images"):
        build_index(scene, np.array([], np.int64), limit)


def test_features_of_nothing_are_told(tmp_path):
    scene = stored(tmp_path, np.zeros((9, 4)))
    with pytest.raises(SearchError, match="every scene feature is zero; the backbone sees nothin"):
        build_index(scene, np.arange(9), LISTS)


@ALL
@given(seed=st.integers(0, 2**31), share=st.sampled_from([0.01, 0.2, 0.9, 1.0]))
def test_features_are_those_of_the_rows(tmp_path, seed, share):
    rng = np.random.default_rng(seed)
    features = rng.normal(size=(200, 3)).astype(np.float32)
    rows = np.flatnonzero(rng.random(200) < share)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(scenes_module, "SPAN", 32)
        read = list(features_of(stored(tmp_path, features), rows))
    assert all(len(part) <= 32 for part, _ in read)
    assert [row for part, _ in read for row in part] == rows.tolist()
    for part, values in read:
        lengths = np.sqrt((features[part] ** 2).sum(1, keepdims=True))
        np.testing.assert_allclose(values, features[part] / lengths, atol=1e-6)


def test_equal_features_have_equal_cosines_wherever_they_stand():
    rng = np.random.default_rng(0)
    features = torch.from_numpy(unit(rng.normal(size=(97, 333))))
    features[[3, 40, 41, 96]] = features[10].clone()
    queries = torch.from_numpy(unit(rng.normal(size=(5, 333))))
    got = cosines(features, queries)
    assert (got[[3, 40, 41, 96]] == got[10]).all()
    np.testing.assert_allclose(got, features.numpy() @ queries.numpy().T, atol=1e-6)
    np.testing.assert_array_equal(cosines(features[40:41], queries), got[40:41])
