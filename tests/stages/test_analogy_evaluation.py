"""Both evaluations of Deep Image Analogy: their tables, their resuming, their errors."""

from __future__ import annotations

import ast
import json
from pathlib import Path
from types import ModuleType

import numpy as np
import pandas as pd
import pytest

from exemplar.data.flow_pairs import FlowPair
from exemplar.data.keypoint_pairs import KeypointPair
from exemplar.methods.deep_analogy import evaluation
from exemplar.methods.deep_analogy.baselines import Correspondence
from exemplar.methods.deep_analogy.compared import METHODS, Matcher
from exemplar.methods.deep_analogy.evaluation import EvaluationError
from exemplar.report.analogy_scores import FLOW, KEYPOINTS, read_scores
from exemplar.settings import SettingsError
from exemplar.store import layout
from stages import analogy_flow, analogy_keypoints
from tests.stages.analogy_domain import write_estimators, write_heads, write_params

HEADS = {"kind": "rendered", "choose": "random", "pairs": 2}


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_heads()
    write_estimators()


def own(height: int, width: int) -> np.ndarray:
    return np.stack(np.meshgrid(np.arange(height), np.arange(width), indexing="ij"), -1)


def test_every_pair_and_method_has_a_row_of_numbers() -> None:
    write_params(analogy_flow={"sets": {"heads": HEADS}})
    analogy_flow.main()
    table = read_scores(FLOW)
    pairs = list(dict.fromkeys(table["pair"]))
    assert len(pairs) == 2 and all(pair.startswith("heads/") for pair in pairs)
    assert list(table["method"][: len(METHODS)]) == list(METHODS)
    assert len(table) == 2 * (len(METHODS) + 1)
    by = table.groupby("method").mean(numeric_only=True)
    # The same disc moved: the truth leads there, and back to what A looks like.
    assert by.loc["truth", "endpoint_error"] == 0 == by.loc["truth", "correspondence_error"]
    assert by.loc["truth", "psnr"] > by.loc["identity", "psnr"] + 5
    assert by.loc["patchmatch", "correspondence_error"] < 0.1
    assert by.loc["deep_analogy", "endpoint_error"] < by.loc["identity", "endpoint_error"]
    assert table["seconds"].notna().sum() == 2 * len(METHODS)
    assert not list(Path(".work").rglob("*.json"))


def test_an_interrupted_run_goes_on_after_what_it_finished(monkeypatch) -> None:
    methods = ["identity", "deep_analogy", "patchmatch"]
    write_params(analogy_flow={"sets": {"heads": HEADS}, "methods": methods})
    analogy_flow.main()
    whole = read_scores(FLOW).drop(columns="seconds")
    FLOW.unlink()
    done, match = [], Matcher.__call__

    def failing(matcher: Matcher, method, a, b_prime):
        if a.shape[0] == 40 and len(done) == 4:
            raise KeyboardInterrupt
        done.append(method)
        return match(matcher, method, a, b_prime)

    monkeypatch.setattr(Matcher, "warm_up", lambda *_: None)
    monkeypatch.setattr(Matcher, "__call__", failing)
    with pytest.raises(KeyboardInterrupt):
        analogy_flow.main()
    assert not FLOW.exists()
    assert done == [*methods, "identity"]
    kept = sorted(Path(".work").rglob("*.json"))
    before = [json.loads(path.read_text()) for path in kept]
    assert len(kept) == 4

    def counting(matcher: Matcher, method, a, b_prime):
        done.append(method)
        return match(matcher, method, a, b_prime)

    monkeypatch.setattr(Matcher, "__call__", counting)
    analogy_flow.main()
    assert done[4:] == ["deep_analogy", "patchmatch"]
    table = read_scores(FLOW)
    pd.testing.assert_frame_equal(table.drop(columns="seconds"), whole)
    assert table["seconds"][0] == pytest.approx(before[1]["seconds"], rel=1e-5)


def test_other_settings_are_measured_anew(monkeypatch) -> None:
    write_params(analogy_flow={"sets": {"heads": HEADS}, "methods": ["deep_analogy"]})
    stop = {"analogy": {"strength": "aligned"}}

    def fail(*_) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(analogy_flow, "bound", fail)
    with pytest.raises(KeyboardInterrupt):
        analogy_flow.main()
    first = {path.parent.parent.name for path in Path(".work").rglob("*.json")}
    write_params(analogy_flow={"sets": {"heads": HEADS | stop}, "methods": ["deep_analogy"]})
    with pytest.raises(KeyboardInterrupt):
        analogy_flow.main()
    assert {p.parent.parent.name for p in Path(".work").rglob("*.json")}.isdisjoint(first)


@pytest.mark.parametrize("stage", [analogy_flow, analogy_keypoints])
def test_measurements_depend_on_all_code_that_makes_them(
    stage: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    monkeypatch.setattr(evaluation, "sources_hash", lambda *places: asked.extend(places) or "")
    write_params(**{stage.NAME: {"sets": {"heads": HEADS}, "methods": ["identity"]}})
    stage.main()
    assert f"stages/{stage.NAME}.py" in asked
    tree = ast.parse(Path(stage.__file__ or "").read_text())
    imported = {
        f"{node.module}.{name.name}".replace(".", "/")
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and str(node.module).startswith("exemplar")
        for name in node.names
    }
    # What reads settings, whose values count, and what writes tables.
    aside = ("exemplar/settings", "exemplar/memory", "exemplar/report/analogy_scores",
             "exemplar/store/layout", "exemplar/store/files")  # fmt: skip
    places = tuple(place.removesuffix(".py") for place in asked)
    assert not {name for name in imported if not name.startswith((*places, *aside))}


def test_all_that_is_wrong_with_all_sets_is_told_before_anything_is_matched() -> None:
    sets = {
        "heads": HEADS | {"pairs": 99},
        "middlebury": {"kind": "middlebury", "root": "absent"},
        "odd": HEADS | {"analogy": {"strength": "7"}},
    }
    write_params(analogy_flow={"sets": sets})
    with pytest.raises(EvaluationError) as told:
        analogy_flow.main()
    said = str(told.value)
    assert "heads: " in said and "expected at most 20 pairs" in said
    assert "middlebury: absent: expected folders of scenes" in said
    assert "sets.odd.analogy.strength" in said
    assert not Path(".work").exists() and not FLOW.exists()
    layout.ESTIMATORS.unlink()
    write_params(analogy_keypoints={"sets": {"heads": HEADS}})
    with pytest.raises(EvaluationError, match="heads: models/estimators.safetensors: no such"):
        analogy_keypoints.main()
    write_params(analogy_keypoints={"sets": {}})
    with pytest.raises(SettingsError, match="analogy_keypoints.sets"):
        analogy_keypoints.main()


def test_what_is_not_known_is_left_out() -> None:
    image = np.random.default_rng(0).integers(0, 256, (6, 7, 3), np.uint8)
    still = Correspondence(own(6, 7), own(6, 7), image)
    numbers = analogy_flow.measure(FlowPair("p", image, image, None), still)
    assert numbers == {"psnr": np.inf, "cycle_error": 0}
    flow = np.full((6, 7, 2), np.nan, np.float32)
    flow[2, 3] = 3, 4
    moved = still._replace(forward=own(6, 7) + [0.0, 0.5], a_prime=image // 2)
    numbers = analogy_flow.measure(FlowPair("p", image, image, flow), moved)
    assert numbers["endpoint_error"] == pytest.approx(np.hypot(2.5, 4))
    assert numbers["cycle_error"] == pytest.approx(0.5)


def test_unknown_flow_counts_as_no_motion_in_the_bound() -> None:
    image = np.random.default_rng(0).integers(0, 256, (6, 7, 3), np.uint8)
    flow = np.full((6, 7, 2), np.nan, np.float32)
    flow[:, :4] = 1, 0
    rebuilt = np.concatenate([image[:, 1:5], image[:, 4:]], 1)
    found = analogy_flow.bound(FlowPair("p", rebuilt, image, flow))
    assert found == {"psnr": np.inf, "endpoint_error": 0}


def test_keypoints_are_counted_by_category_over_both_ways() -> None:
    write_params(analogy_keypoints={"sets": {"heads": HEADS | {"points": 6}}})
    analogy_keypoints.main()
    table = read_scores(KEYPOINTS).set_index("method")
    assert list(table.index) == list(METHODS)
    assert (table["category"] == "heads/heads").all() and (table["pairs"] == 4).all()
    # At the disc's rim patches hold the ground, too, which is different in every image.
    assert table.loc["patchmatch", "pck_0_1"] > 50 > table.loc["identity", "pck_0_1"]
    assert (table["pck_0_05"] <= table["pck_0_1"]).all()


def test_right_keypoints_are_those_within_the_share_of_the_extent() -> None:
    image = np.zeros((50, 101, 3), np.uint8)
    a = np.array([[10.0, 10.0], [10.0, 90.0], [40.0, 50.0]])
    b = a + [[0, 3], [5, 0], [0, 9]]
    pair = KeypointPair("c", "n", image, image, a, b, both_ways=False)
    still = Correspondence(own(50, 101), own(50, 101), image)
    # 0.1 and 0.05 of the box of 83 pixels, then of the image of 101.
    assert analogy_keypoints.measure_by("keypoints")(pair, still) == {
        "pck_0_1": 2, "pck_0_05": 1, "points": 3, "pairs": 1,
    }  # fmt: skip
    assert analogy_keypoints.measure_by("image")(pair, still)["pck_0_1"] == 3
    both = analogy_keypoints.measure_by("image")(pair._replace(both_ways=True), still)
    assert both == {"pck_0_1": 6, "pck_0_05": 4, "points": 6, "pairs": 2}


def test_points_beyond_the_border_count_from_the_outermost_pixel() -> None:
    image = np.zeros((20, 20, 3), np.uint8)
    a = np.array([[-0.4, 5.0], [20.2, 19.0]])
    pair = KeypointPair("c", "n", image, image, a, a, both_ways=False)
    still = Correspondence(own(20, 20), own(20, 20), image)
    assert analogy_keypoints.measure_by("image")(pair, still)["pck_0_1"] == 2


def test_shares_are_over_keypoints_not_over_pairs() -> None:
    rows = [
        {"category": "s/c", "method": "m", "pck_0_1": 4, "pck_0_05": 1, "points": 4, "pairs": 1},
        {"category": "s/c", "method": "m", "pck_0_1": 0, "pck_0_05": 0, "points": 12, "pairs": 2},
    ]
    found = analogy_keypoints.summed(rows).to_dict("records")
    assert found == [
        {"category": "s/c", "method": "m", "pck_0_1": 25, "pck_0_05": 6.25, "pairs": 3}
    ]
