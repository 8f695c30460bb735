"""The stages `ranking` and `coherent` on a domain of noise: what is stored, and what decides it."""

from __future__ import annotations

import json
import pickle
import shutil

import numpy as np
import pytest

from exemplar.methods.pixelnn.coherent import open_coherent, residual_source
from exemplar.methods.pixelnn.ranking import RankingError
from exemplar.methods.pixelnn.schedule import candidates
from exemplar.metrics.distinct import distinct
from exemplar.metrics.normals import angular_error
from exemplar.metrics.ranked import rank_correlation
from exemplar.store import cluster, layout
from exemplar.store.arrays import array, open_group, read_rows
from exemplar.store.files import content_hash, remove
from exemplar.store.items import read_items
from exemplar.store.shards import make_shard
from stages import candidates as published
from stages import coherent, index, ranking
from tests.methods.pixelnn.noise import run, write_features
from tests.stages.small_domain import CONDITION, DOMAIN, SIDE, write_params

COUNT = 28
STORE = layout.candidates("coherent", DOMAIN, CONDITION)
WEIGHTS = layout.ranking(DOMAIN, CONDITION)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = tmp_path_factory.mktemp("coherent")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(made)
        write_features(COUNT, val=3)
        for stage in (index, ranking, coherent, published):
            run(stage)
    return made


@pytest.fixture
def made(folder, monkeypatch):
    monkeypatch.chdir(folder)
    return folder


def test_the_store(made):
    group = open_group(STORE)
    shapes = {name: (a.shape, a.dtype.name) for name, a in group.arrays()}
    assert shapes == {
        "image": ((2, 72, SIDE, SIDE, 3), "uint8"),
        "source": ((2, 72, SIDE, SIDE, 3), "int32"),
        "score": ((2, 72), "float32"),
        "few": ((2, 5), "int16"),
    }
    members = [list(member) for member in candidates("released")]
    assert dict(group.attrs) == {"rows": [26, 27], "candidates": members, "votes": 1}
    for method in ("pixelnn", "global"):
        other = open_group(layout.candidates(method, DOMAIN, CONDITION))
        assert sorted(other.array_keys()) == ["image", "source"]
        assert (other.attrs["rows"], other.attrs["votes"]) == ([26, 27], 0)
    exemplars = np.unique(np.asarray(array(group, "source"))[..., 0])
    assert exemplars.max() < COUNT - 5


def test_scores_and_the_few_are_those_of_the_stored_candidates(made):
    group = open_group(STORE)
    opened = open_coherent(DOMAIN, CONDITION)
    examiner, weights = opened.ranker.examiner, opened.ranker.weights
    stored = json.loads(WEIGHTS.read_text())
    for place, row in enumerate(group.attrs["rows"]):
        composed = opened.made.one(row)
        np.testing.assert_array_equal(composed.image, array(group, "image")[place])
        np.testing.assert_array_equal(composed.source, array(group, "source")[place])
        (x,) = read_rows(opened.stored, [row])
        (f,) = read_rows(opened.made.library.regressed, [row])
        residual = residual_source(opened.made.library, opened.made.settings)
        cues = examiner(x, f, composed, residual)
        by_hand = sum(
            stored["weights"][n] * (v - v.mean()) / stored["scales"][n]
            for n, v in cues.values.items()
        )
        score = np.asarray(array(group, "score")[place])
        assert score == pytest.approx(by_hand, abs=1e-4)
        assert np.ptp(score) > 0
        few = array(group, "few")[place].tolist()
        assert few == distinct(cues.seen.perceptual, score, 5, 0.6)
        assert few[0] == score.argmin()
    assert weights.model_dump() == stored


def test_weights_are_of_validation_images_and_their_true_errors(made):
    stored = json.loads(WEIGHTS.read_text())
    assert stored["images"] == 2  # of three
    assert set(stored["weights"]) == {"mismatch", "dissent", "seam", "drift"}
    opened = open_coherent(DOMAIN, CONDITION)
    assert stored["judge"] == opened.ranker.examiner.judge.identity
    photographs = array(open_group(layout.images(DOMAIN)), "image")
    residual = residual_source(opened.made.library, opened.made.settings)
    found = []
    for row in (23, 24):
        assert read_items(layout.items(DOMAIN))["split"].iloc[row] == "val"
        composed = opened.made.one(row)
        (x,), (f,) = (read_rows(a, [row]) for a in (opened.stored, opened.made.library.regressed))
        values, seen = opened.ranker.examiner(x, f, composed, residual)
        truth = opened.ranker.examiner.judge(read_rows(photographs, [row])).normals
        errors = [angular_error(normals, truth[0]).mean() for normals in seen.normals]
        found.append(rank_correlation(opened.ranker.weights.score(values), errors))
    assert stored["rank_correlation"] == pytest.approx(np.mean(found), abs=1e-6)


def test_neither_workers_nor_another_run_change_a_byte(made, tmp_path, monkeypatch):
    """What workers are told is enough to make a shard, so that it matters not who makes it."""
    before, weights = content_hash(STORE), WEIGHTS.read_bytes()
    shutil.copytree(made, tmp_path / "again")
    monkeypatch.chdir(tmp_path / "again")
    remove(STORE)
    WEIGHTS.unlink()
    handed_out = []

    def make_all(tasks, workers, path, tell):
        for task in tasks:
            handed_out.append(task)
            make_shard(pickle.loads(pickle.dumps(task)))  # as other processes get it
            tell(task)

    monkeypatch.setattr(cluster, "map_shards", make_all)
    write_params(cluster="tcp://127.0.0.1:9")  # no one is asked
    run(ranking)
    run(coherent)
    assert len(handed_out) == 1
    assert content_hash(STORE) == before
    assert WEIGHTS.read_bytes() == weights


def test_without_validation_images_it_is_said_what_to_do(made, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_features(14)
    run(index)
    with pytest.raises(RankingError) as caught:
        run(ranking)
    assert str(caught.value).startswith("data/noise/items.parquet: no image of the split val")
    assert "give domains.noise some in params.yaml (rendered: `val: 16`" in str(caught.value)


def test_weights_must_be_there(made):
    kept = WEIGHTS.rename(WEIGHTS.with_suffix(".kept"))
    try:
        with pytest.raises(RankingError, match="run `exemplar reproduce ranking@noise-edges`"):
            run(coherent)
    finally:
        kept.rename(WEIGHTS)
