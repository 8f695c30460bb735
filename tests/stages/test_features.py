"""The feature store: a row is a function of its own image, and only new images are computed."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from exemplar.features.look import looks
from exemplar.features.projection import ProjectionError
from exemplar.methods.pixelnn import rows
from exemplar.store import layout
from exemplar.store.arrays import array, open_group, read_rows
from exemplar.store.files import content_hash, remove
from stages import conditions, features, projection
from tests.stages.small_domain import (
    CONDITION,
    DOMAIN,
    SIDE,
    write_images,
    write_networks,
    write_params,
)

STORE = layout.features(DOMAIN, CONDITION)


@pytest.fixture
def computed(tmp_path, monkeypatch):
    """Runs in a folder of its own; collects how many images each call computed."""
    monkeypatch.chdir(tmp_path)
    counts: list[int] = []
    describe = rows.describe_rows

    def counting(*given):
        counts.append(len(given[3]))
        return describe(*given)

    monkeypatch.setattr(rows, "describe_rows", counting)
    return counts


def run(stage, *arguments: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["stage", "--domain", DOMAIN, *arguments])
        stage.main()


def build() -> str:
    """Runs the stage; the hash of what it made."""
    run(features, "--condition", CONDITION)
    return content_hash(STORE)


def start(ids: list[int]) -> None:
    write_params()
    write_images(ids)
    write_networks()
    run(projection, "--condition", CONDITION)


def anew() -> str:
    remove(STORE)
    return build()


def test_only_new_images_are_computed_and_the_store_is_as_if_built_anew(computed):
    start(list(range(70)))
    first = build()
    assert sum(computed) == 71  # all, and one more, from which the arrays' forms are known

    def grown(ids: list[int]) -> int:
        """How many images a build computes for these; it is compared with one from nothing."""
        write_images(ids)
        computed.clear()
        store, count = build(), sum(computed) - 1
        assert store == anew()
        return count

    assert grown(list(range(73))) == 3
    assert grown(list(range(70))) == 0
    assert content_hash(STORE) == first
    assert grown([*range(50), 100, *range(50, 70)]) == 1  # among the others: rows move
    assert grown([*range(50, 70), *range(10)]) == 0
    assert grown([7, 8, 200, 9]) == 1
    # Shards that stay are the same files, not written again.
    write_images(list(range(70)))
    build()
    shard = STORE / "descriptor" / "c" / "0" / "0" / "0" / "0"
    inode = shard.stat().st_ino
    write_images(list(range(71)))
    build()
    assert shard.stat().st_ino == inode


def test_other_networks_or_settings_make_all_anew(computed):
    start(list(range(9)))
    build()

    def count() -> int:
        computed.clear()
        build()
        return sum(computed) - 1

    assert count() == 0
    write_params(features={"scene_side": 3})
    assert count() == 9
    write_params(features={"scene_side": 3, "workers": 2})
    assert count() == 0
    write_params(features={"scene_side": 3, "threads": 2})
    assert count() == 9
    write_networks(seed=1)
    with pytest.raises(ProjectionError, match="run the stage `projection` again"):
        build()  # the backbone is another, the projection is not
    run(projection, "--condition", CONDITION)
    assert count() == 9


def test_a_row_is_the_same_wherever_its_image_stands(computed):
    start(list(range(21)))
    build()
    group = open_group(STORE)
    made = {n: read_rows(array(group, n), np.arange(21)) for n in group.array_keys()}
    order = [20, 3, 17]
    write_images(order)
    anew()
    group = open_group(STORE)
    for name, before in made.items():
        np.testing.assert_array_equal(read_rows(array(group, name), [0, 1, 2]), before[order], name)


def test_the_store_s_arrays_and_attributes(computed):
    start(list(range(6)))
    build()
    group = open_group(STORE)
    forms = {n: (array(group, n).shape[1:], array(group, n).dtype.name) for n in group.array_keys()}
    assert forms == {
        "regressed": ((SIDE, SIDE, 3), "uint8"),
        "descriptor": ((SIDE, SIDE, 5), "float16"),
        "scene": ((32 * 2 * 2,), "float32"),
        "look": ((80,), "float32"),
        "key": ((16,), "uint8"),
    }
    assert set(group.attrs) == {
        "backbone", "layers", "dimensions", "variance_kept", "projection", "made_by",
    }  # fmt: skip
    assert group.attrs["projection"] == content_hash(layout.projection(DOMAIN, CONDITION))
    photographs = array(open_group(layout.images(DOMAIN)), "image")
    np.testing.assert_array_equal(
        read_rows(array(group, "look"), np.arange(6)), looks(read_rows(photographs, np.arange(6)))
    )
    length = np.linalg.norm(read_rows(array(group, "descriptor"), [2])[0].astype(float), axis=-1)
    np.testing.assert_allclose(length, 1, atol=2e-3)


def test_two_workers_make_the_same_store(computed, monkeypatch):
    start(list(range(80)))
    alone = build()
    write_params(features={"scene_side": 2, "workers": 2})
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).resolve().parents[2]))
    computed.clear()
    assert anew() == alone
    assert sum(computed) == 1  # nothing but the form here


def test_conditions_are_computed_for_new_photographs_only(computed, monkeypatch):
    start(list(range(70)))
    counts: list[int] = []
    extract = conditions.extract

    def counting(photographs, *others):
        counts.append(len(photographs))
        return extract(photographs, *others)

    monkeypatch.setattr(conditions, "extract", counting)
    path = layout.conditions(DOMAIN)
    remove(path)
    run(conditions)
    assert sum(counts) == 72  # batches of eight
    write_keeping(path, [*range(68), 80, 81, 82, 83, 84, 68, 69])
    counts.clear()
    run(conditions)
    assert counts == [8]
    grown = content_hash(path)
    remove(path)
    run(conditions)
    assert content_hash(path) == grown


def write_keeping(path: Path, ids: list[int]) -> None:
    """Other photographs, while the conditions stay as they are."""
    kept = path.rename(path.with_suffix(".kept"))
    write_images(ids)
    remove(path)
    kept.rename(path)
