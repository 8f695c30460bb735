"""Leaders and followers: as published without likeness, alike with it."""

from __future__ import annotations

import contextlib
import tempfile
from pathlib import Path

import numpy as np
import pytest
import zarr
from hypothesis import given, settings
from hypothesis import strategies as st

from exemplar.matching.images import Images
from exemplar.methods.pixelnn.followers import cast
from exemplar.methods.pixelnn.schedule import Candidate, candidates
from exemplar.store.arrays import StoreError

COUNT = 40


def stored(values: np.ndarray) -> zarr.Array:
    """Values in a store of their own."""
    path = Path(tempfile.mkdtemp(dir=Path.cwd())) / "store.zarr"
    group = zarr.create_group(str(path))
    return group.create_array("values", data=values.astype(np.float32), chunks=(7, values.shape[1]))


@pytest.fixture(autouse=True, scope="module")
def folder(tmp_path_factory):
    """Stores lie in a folder that goes away."""
    with contextlib.chdir(tmp_path_factory.mktemp("stores")):
        yield


def library(seed: int = 0) -> tuple[Images, zarr.Array, np.ndarray]:
    """Exemplars (all rows but the first two), their looks, and a query."""
    rng = np.random.default_rng(seed)
    scene, look = (stored(rng.normal(size=(COUNT, size))) for size in (6, 4))
    images = Images(scene, np.arange(2, COUNT))
    return images, look, rng.normal(size=6).astype(np.float32)


def ranked(images: Images, query: np.ndarray) -> tuple[list[int], dict[int, float]]:
    """Exemplars by cosine, best first, and the cosines."""
    scene = np.asarray(images.scene[:])
    cosine = {
        int(row): float(scene[row] @ query / np.linalg.norm(scene[row]) / np.linalg.norm(query))
        for row in images.rows
    }
    return sorted(cosine, key=lambda row: -cosine[row]), cosine


@pytest.mark.parametrize("schedule", ["released", "paper"])
def test_without_likeness_the_choice_is_the_published_one(schedule):
    images, look, query = library()
    members = candidates(schedule)
    found = cast(images, query, look, members, likeness=0)
    order, _ = ranked(images, query)
    for member, places in zip(members, found.members, strict=True):
        assert found.rows[list(places)].tolist() == order[member.ranks]


@settings(max_examples=20, deadline=None)
@given(
    seed=st.integers(0, 1000), likeness=st.floats(0.01, 5), near=st.integers(12, 60),
    wanted=st.booleans(),
)  # fmt: skip
def test_followers_are_the_best_by_cosine_less_distance(seed, likeness, near, wanted):
    images, look, query = library(seed)
    looks = np.asarray(look[:])
    members = [Candidate(1, 3, 1), Candidate(3, 5, 7), Candidate(5, 1, 11)]
    target = looks[0] if wanted else None
    found = cast(images, query, look, members, likeness, near, target)
    assert len(set(found.rows.tolist())) == len(found.rows)
    order, cosine = ranked(images, query)
    for member, places in zip(members, found.members, strict=True):
        leader = order[member.first - 1]
        like = looks[leader] if target is None else target
        worth = {
            row: cosine[row] - likeness * float(np.linalg.norm(looks[row] - like))
            for row in order[member.first : max(near, 9)]
        }
        best = sorted(worth, key=lambda row: -worth[row])[: member.neighbours - 1]
        assert found.rows[list(places)].tolist() == [leader, *best]


def test_more_likeness_makes_followers_more_alike():
    images, look, query = library(3)
    members = [Candidate(5, 1, 1)]

    def spread(likeness: float) -> float:
        found = cast(images, query, look, members, likeness)
        looks = np.asarray(look[:])[found.rows[list(found.members[0])]]
        return float(np.linalg.norm(looks[1:] - looks[0], axis=1).mean())

    assert spread(0) > spread(0.3) > spread(10)


def test_a_damaged_look_is_told():
    images, look, query = library()
    order, _ = ranked(images, query)
    values = np.asarray(look[:])
    values[order[4]] = np.nan
    with pytest.raises(StoreError, match=rf"not finite in rows \[{order[4]}\]"):
        cast(images, query, stored(values), [Candidate(3, 1, 1)], 1.0)
