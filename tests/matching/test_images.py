"""Whole-image search among all exemplars and among some, against sorting all cosines."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from exemplar.matching import images as module
from exemplar.matching.images import Images, nearest, open_images, part_of
from exemplar.matching.index import build_index, save_index
from exemplar.matching.scenes import SearchError
from exemplar.store.arrays import StoreError
from tests.matching.scenes import clustered, naive, stored

LISTS, EXACT = 0, 1 << 20  # the greatest size of an exact index
DEVICES = [
    "cpu",
    pytest.param("cuda", marks=pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")),
]


def opened(folder, features, rows, limit=EXACT, device="cpu") -> Images:
    scene, path = stored(folder, features), folder / "some.faiss"
    save_index(path, build_index(scene, rows, limit))
    return open_images(path, scene, rows, device)


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("held", [True, False])
@pytest.mark.parametrize("limit", [LISTS, EXACT])
@settings(max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**31), copies=st.booleans())
def test_a_part_gives_what_sorting_its_cosines_gives(tmp_path, device, held, limit, seed, copies):
    rng = np.random.default_rng(seed)
    features = clustered(seed, 80, 6)
    if copies:
        features[rng.permutation(80)[:50]] = 4 * features[11]
    queries = clustered(seed, 83, 6)[80:]
    images = opened(tmp_path, features, np.arange(1, 80), limit, device)
    allowed = rng.permutation(80)[:30]  # row 0, if it is there, is no exemplar
    rows = np.setdiff1d(allowed, [0])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "HELD_BYTES", 1 << 20 if held else 0)
        some = part_of(images, allowed)
        assert (some.held is not None) == held
        found = nearest(some, queries, 7)
        at_once = nearest(images, queries, 7, allowed)
    assert found.tolist() == [naive(features, rows, query, 7) for query in queries]
    np.testing.assert_array_equal(at_once, found)
    alone = nearest(opened(tmp_path, features, rows), queries, 7)
    np.testing.assert_array_equal(found, alone)


@pytest.mark.parametrize("limit", [LISTS, EXACT])
def test_all_exemplars_are_searched_by_the_index(tmp_path, limit):
    features = clustered(1, 400, 40)
    images = opened(tmp_path, features, np.arange(400), limit)
    assert images.index is not None
    assert part_of(images, np.arange(-3, 500)) is images
    found = nearest(images, features[7:9] * 5, 3)
    assert found.tolist() == [naive(features, np.arange(400), x, 3) for x in features[7:9]]


@pytest.mark.parametrize("limit", [LISTS, EXACT])
def test_an_index_of_other_rows_is_left_aside(tmp_path, limit):
    """Rows that are exemplars no more are not found, and ones that have become so are."""
    features = clustered(2, 60, 9)
    opened(tmp_path, features, np.arange(10, 50), limit)
    for now in (np.arange(12, 50), np.arange(10, 55), np.arange(20, 60)):
        images = open_images(tmp_path / "some.faiss", stored(tmp_path, features), now)
        assert images.index is None
        query = features[now[3]]
        assert nearest(images, query[None], 9)[0].tolist() == naive(features, now, query, 9)


def test_what_cannot_be_searched_is_told(tmp_path):
    images = opened(tmp_path, np.eye(4), np.arange(4))
    queries = np.eye(4, dtype=np.float32)
    with pytest.raises(SearchError, match="5 exemplars are needed, 4 are there; widen --only"):
        nearest(images, queries, 5)
    with pytest.raises(SearchError, match="2 exemplars are needed, 1 are there"):
        nearest(images, queries, 2, np.array([3, 77]))
    with pytest.raises(SearchError, match="1 exemplars are needed, 0 are there"):
        nearest(part_of(images, np.array([], np.int64)), queries, 1)
    with pytest.raises(SearchError, match=r"expected scene features \(B, 4\).*got \(1, 3\).*diff"):
        nearest(images, queries[:1, :3], 1)
    with pytest.raises(SearchError, match="the query's scene feature is not finite"):
        nearest(images, queries * np.nan, 1)


def test_a_part_with_damaged_features_is_told(tmp_path):
    features = clustered(3, 20, 5)
    damaged = features.copy()
    damaged[6, 2] = np.nan
    some = Images(stored(tmp_path, damaged), np.arange(20))
    with pytest.raises(SearchError, match=r"values that are not finite in rows \[6\]; the store"):
        nearest(some, features[:1], 3, np.array([5, 6, 7, 8]))
    assert nearest(some, features[7:8], 1, np.array([5, 7, 8])).tolist() == [[7]]


def test_an_index_of_another_store_is_told(tmp_path):
    features = clustered(4, 20, 5)
    opened(tmp_path, features, np.arange(20))
    path = tmp_path / "some.faiss"
    with pytest.raises(
        SearchError, match=r"some\.faiss: an index of scene features of 5 values, t"
    ):
        open_images(path, stored(tmp_path, features[:, :4]), np.arange(20))
    with pytest.raises(SearchError, match=r"some\.faiss: an index of rows 0 to 19, .* has 12 rows"):
        open_images(path, stored(tmp_path, features[:12]), np.arange(12))


def test_a_missing_shard_is_told(tmp_path):
    images = opened(tmp_path, clustered(5, 200, 5), np.arange(200))
    path = tmp_path / "features0.zarr" / "scene" / "c" / "1" / "0"
    path.unlink()
    with pytest.raises(StoreError, match="missing"):
        nearest(images, np.ones((1, 5), np.float32), 3, np.arange(90, 120))
