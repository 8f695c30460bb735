"""Whole pictures of a domain's test images, as stored: whoever made them, and whenever."""

from __future__ import annotations

import pickle
import shutil
from pathlib import Path

import numpy as np
import pytest
import yaml

from exemplar.methods.pixelnn.whole.records import Record, composed_of
from exemplar.methods.pixelnn.whole.settings import Member
from exemplar.methods.pixelnn.whole.stored import Rows, Stored, build_whole, open_rows
from exemplar.patches.voting import rederive
from exemplar.store import cluster, layout
from exemplar.store.files import content_hash, remove
from exemplar.store.shards import make_shard
from tests.methods.pixelnn.whole.heads import DOMAIN, SIDE, opened, params_of, write_heads

STORE = layout.candidates("whole", DOMAIN, "labels")
COUNT = 4


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = tmp_path_factory.mktemp("heads")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(made)
        write_heads(5, 2)
        build_whole(DOMAIN, "labels")
    return made


@pytest.fixture
def here(folder, monkeypatch):
    monkeypatch.chdir(folder)


def settings(**whole):
    Path("params.yaml").write_text(yaml.safe_dump(params_of(**whole)))


def test_records_make_the_stored_pictures(here):
    found = Stored(DOMAIN, "labels")
    photographs, own = opened(params_of())
    assert found.rows.tolist() == [5, 6] and found.members == own.members(5)
    assert found.members[1] == Member(2, 1) and len(found.members) == COUNT
    for place in range(2):
        images = found.images(place)
        assert images.shape == (COUNT, SIDE, SIDE, 3) and images.dtype == np.uint8
        for candidate, image in enumerate(images):
            record = found.record(place, candidate)
            exemplars = composed_of(record, photographs)
            assert len(exemplars) == found.members[candidate].exemplars
            again = rederive(record.source.astype(np.int32), exemplars, found.votes)
            assert (again == image).all()
        ranking = found.ranking(place)
        assert ranking.score.shape == (COUNT,) and len(ranking.few) == 3
        assert ranking.few[0] == ranking.score.argmin()


def test_one_is_as_it_is_made_alone(here):
    made = open_rows(DOMAIN, "labels")(slice(1, 2))
    found = Stored(DOMAIN, "labels")
    assert (made["image"][0] == found.images(1)).all()
    for name in Record._fields:
        there = [getattr(found.record(1, each), name) for each in range(COUNT)]
        assert (made[name][0] == np.stack(there)).all()


def test_neither_threads_nor_a_stop_nor_workers_change_a_byte(here, monkeypatch):
    before = content_hash(STORE)
    remove(STORE)
    one, made = Rows._one, []

    def stopped(rows, row):
        if made:
            raise KeyboardInterrupt
        made.append(row)
        return one(rows, row)

    def counted(rows, row):
        made.append(row)
        return one(rows, row)

    try:
        settings(threads=2)
        with monkeypatch.context() as patch:
            patch.setattr(Rows, "_one", stopped)
            with pytest.raises(KeyboardInterrupt):
                build_whole(DOMAIN, "labels")
        assert made == [5] and not STORE.exists()
        with monkeypatch.context() as patch:
            patch.setattr(Rows, "_one", counted)
            build_whole(DOMAIN, "labels")
        assert made == [5, 6]  # what was done is kept
        assert content_hash(STORE) == before

        remove(STORE)
        tasks = []

        def make_all(given, workers, path, tell):
            for task in given:
                tasks.append(task)
                make_shard(pickle.loads(pickle.dumps(task)))  # as other processes get it
                tell(task)

        monkeypatch.setattr(cluster, "map_shards", make_all)
        build_whole(DOMAIN, "labels", "tcp://127.0.0.1:9")  # no one is asked
        assert len(tasks) == 2 and content_hash(STORE) == before
    finally:
        settings()


def test_label_maps_begin_with_guides(here):
    try:
        settings(starts=["guides", "coherent"])
        found = open_rows(DOMAIN, "labels")
        assert {member.start for member in found.members} == {"guides"}
        assert len(found.members) == COUNT
    finally:
        settings()


def test_what_other_settings_began_is_not_gone_on_with(folder, tmp_path, monkeypatch):
    """Not even if only an exemplar was removed."""
    before = content_hash(folder / STORE)
    shutil.copytree(folder, tmp_path / "other")
    monkeypatch.chdir(tmp_path / "other")
    remove(STORE)
    one, made = Rows._one, []

    def stopped(rows, row):
        if row == 6:
            raise KeyboardInterrupt
        made.append(row)
        return one(rows, row)

    gone = opened(params_of())[0].items["id"].iloc[0]
    with monkeypatch.context() as patch:
        patch.setattr(Rows, "_one", stopped)
        for params in (params_of(seed=1), params_of() | {"removed": {DOMAIN: [gone]}}, params_of()):
            Path("params.yaml").write_text(yaml.safe_dump(params))
            with pytest.raises(KeyboardInterrupt):
                build_whole(DOMAIN, "labels")
    assert made == [5, 5, 5]
    build_whole(DOMAIN, "labels")
    assert content_hash(STORE) == before
