"""Weights of cues: planted ones are found, nothing but differences within images counts."""

from __future__ import annotations

import json
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from exemplar.methods.pixelnn.ranking import (
    CueWeights,
    RankingError,
    RankingSettings,
    fit,
    load_ranking,
    open_ranker,
    save_ranking,
)
from exemplar.settings import SettingsError, section
from exemplar.store import layout
from tests.stages.small_domain import CONDITION, DOMAIN, write_networks, write_params


def drawn(seed: int, images: int = 4, candidates: int = 30) -> list[dict[str, np.ndarray]]:
    """Cues of different sizes, of images at different levels."""
    rng = np.random.default_rng(seed)
    return [
        {name: rng.normal(50 * rng.random(), size, candidates)
         for name, size in (("seam", 1.0), ("drift", 20.0), ("mismatch", 0.01))}
        for _ in range(images)
    ]  # fmt: skip


def test_planted_weights_are_found():
    cues = drawn(0)
    errors = [3 * c["seam"] + 200 * c["mismatch"] + 100 * i for i, c in enumerate(cues)]
    found = fit(cues, errors, "a judge")
    slopes = {name: found.weights[name] / found.scales[name] for name in found.weights}
    assert slopes == pytest.approx({"seam": 3, "drift": 0, "mismatch": 200}, abs=1e-6)
    within = np.sqrt(np.mean([c["drift"].var() for c in cues]))
    assert found.scales["drift"] == pytest.approx(within)
    assert (found.images, found.judge) == (4, "a judge")
    assert found.rank_correlation == pytest.approx(1)
    assert found.score(cues[1]) == pytest.approx(errors[1] - errors[1].mean(), abs=1e-3)


@given(st.integers(0, 1000))
def test_no_smaller_error_has_weights_of_zero_or_more(seed):
    """Against least squares over every set of cues, of which the non-negative ones count."""
    rng = np.random.default_rng(seed)
    cues = drawn(seed, images=2, candidates=8)
    errors = [rng.normal(size=8) for _ in cues]
    names = list(cues[0])
    x = np.concatenate([np.stack([c[n] - c[n].mean() for n in names], 1) for c in cues])
    y = np.concatenate([e - e.mean() for e in errors])
    best = y @ y
    for size in (1, 2, 3):
        for chosen in combinations(range(3), size):
            slopes = np.linalg.lstsq(x[:, chosen], y, rcond=None)[0]
            if (slopes >= 0).all():
                best = min(best, np.square(y - x[:, chosen] @ slopes).sum())
    found = fit(cues, errors, "")
    assert min(found.weights.values()) >= 0
    scores = np.concatenate([found.score(c) for c in cues])
    assert np.square(y - scores).sum() == pytest.approx(best, rel=1e-4)


def test_cues_that_say_nothing_have_no_weight():
    cues = [each | {"seam": np.full(30, 7.0), "drift": np.full(30, np.nan)} for each in drawn(1)]
    errors = [c["mismatch"] for c in cues]
    found = fit(cues, errors, "")
    assert (found.weights["seam"], found.weights["drift"]) == (0, 0)
    assert np.isfinite(found.score(cues[0])).all()
    none = fit([{"seam": np.ones(5)}], [np.arange(5.0)], "")
    assert none.rank_correlation is None
    assert none.score({"seam": np.arange(5.0)}).tolist() == [0] * 5


def test_a_candidate_without_a_cue_is_taken_for_an_average_one():
    weights = CueWeights(weights={"seam": 2.0}, scales={"seam": 4.0}, images=1,
                         rank_correlation=None, judge="")  # fmt: skip
    score = weights.score({"seam": np.array([1, np.nan, 3]), "other": np.zeros(3)})
    assert score.tolist() == [-0.5, 0, 0.5] and score.dtype == np.float32
    with pytest.raises(RankingError, match="no cue seam: the weights are of another condition"):
        weights.score({"drift": np.zeros(3)})


def test_there_must_be_images():
    with pytest.raises(ValueError, match="images whose errors are known, got none"):
        fit([], [], "")


@pytest.mark.parametrize(
    ("given", "message"),
    [({"images": 0}, "ranking.images"), ({"few": 0}, "ranking.few"), ({"good": 0}, "ranking.good"),
     ({"best": 1}, "ranking.best")],
)  # fmt: skip
def test_settings_that_cannot_be_are_refused(given, message):
    with pytest.raises(SettingsError, match=message):
        section({"ranking": given}, "ranking", RankingSettings)


def test_weights_are_kept_as_plain_numbers(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    weights = fit(drawn(2), [c["seam"] for c in drawn(2)], "me")
    path = layout.ranking("a", "edges")
    with pytest.raises(RankingError, match=r"a-edges.json: no such file; run `.* ranking@a-edges`"):
        load_ranking("a", "edges")
    save_ranking(path, weights)
    assert json.loads(path.read_text())["weights"].keys() == {"seam", "drift", "mismatch"}
    assert load_ranking("a", "edges") == weights
    path.write_text(path.read_text().replace('"judge"', '"jury"'))
    with pytest.raises(
        RankingError, match=r"(?s)a-edges.json: damaged \(.*jury.*\); remove it and run"
    ):
        load_ranking("a", "edges")


def test_weights_of_other_networks_are_refused(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_params()
    write_networks()
    weights = fit(drawn(2), [c["seam"] for c in drawn(2)], "others")
    save_ranking(layout.ranking(DOMAIN, CONDITION), weights)
    with pytest.raises(RankingError, match=r"fitted with others, the networks are now pixelnet-4@"):
        open_ranker(DOMAIN, CONDITION)
