"""The evaluation's tables from stores of a small domain, against what the stores hold."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import zarr
from PIL import Image

from exemplar.estimators import load_estimators
from exemplar.methods.pixelnn import large
from exemplar.methods.pixelnn.outputs import Outputs
from exemplar.methods.pixelnn.whole.photographs import Photographs
from exemplar.methods.pixelnn.whole.settings import WholeSettings
from exemplar.metrics import frechet, prd
from exemplar.metrics.detail_columns import COLUMNS as DETAIL
from exemplar.metrics.evaluation import COLUMNS
from exemplar.metrics.judge import Judge
from exemplar.metrics.normals import angular_error
from exemplar.settings import load_params
from exemplar.store import layout
from exemplar.store.arrays import StoreError, array, open_group, write_group
from exemplar.store.files import content_hash, remove
from stages import evaluate
from tests.stages.small_domain import (
    CONDITION,
    DOMAIN,
    SIDE,
    write_images,
    write_networks,
    write_params,
)

TRAIN, TESTS, MEMBERS, FEW = 60, 2, 4, 3
MANY = ("pix2pix", "global", "global_nearest", "pixelnn", "coherent", "whole")
RANKED = ("coherent", "whole")
LARGE, WHOLE = 2 * SIDE, 3
"""Pixels a side of whole pictures, and how many there are of each test image."""
SCHEDULE = [[1, 3, 1], [3, 2, 7], [1, 3, 0], [5, 1, 1]]
"""The published candidates; led by the exemplars of ranks 3, 2, 3 and 1."""
LEADERS = [2, 1, 2, 0]
SECTIONS = {
    "candidates": {},
    "coherent": {"residual": "luma", "votes": 1},
    "whole": {},
    "prepare": {},
    # Files of many small images: photographs are no larger than those of the store.
    "domains": {DOMAIN: {"kind": "idx", "root": "."}},
}
QUICK = {"sampled": None, "detail": None}


def run() -> Path:
    """Runs the stage; the folder of what it made."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["stage", "--domain", DOMAIN, "--condition", CONDITION])
        evaluate.main()
    return layout.evaluation("pixelnn", DOMAIN, CONDITION)


def by_main(folder: Path, name: str) -> pd.DataFrame:
    """A file's rows of the judge that comes first."""
    rows = pd.read_csv(folder / f"{name}.csv")
    return rows.loc[rows["judge"] == rows["judge"].iloc[0]].reset_index(drop=True)


def write_candidates(draw: np.random.Generator) -> None:
    """Noise from random sources; `global` copies whole exemplars; `coherent` is ranked.

    `pix2pix` hardly varies and has no sources.
    """
    photographs = np.asarray(array(open_group(layout.images(DOMAIN)), "image"))
    regressed = draw.integers(100, 150, photographs.shape, np.uint8)
    write_group(layout.features(DOMAIN, CONDITION), {"regressed": regressed})
    rows = list(range(TRAIN, TRAIN + TESTS))
    shape = (TESTS, MEMBERS, SIDE, SIDE)
    anywhere = np.stack([draw.integers(0, n, shape) for n in (TRAIN, SIDE, SIDE)], -1)
    dull = photographs[rows][:, None] // 2 + draw.integers(0, 9, (*shape, 3), np.uint8)
    write_group(layout.candidates("pix2pix", DOMAIN, CONDITION), {"image": dull}, {"rows": rows})
    y, x = np.broadcast_arrays(*np.indices((SIDE, SIDE)), subok=False)
    here = [np.broadcast_to(v, shape) for v in (np.arange(MEMBERS)[:, None, None], y, x)]
    for method, source in (
        ("pixelnn", anywhere),
        ("global", np.stack(here, -1)),
        ("coherent", anywhere[:, ::-1]),
    ):
        row, from_y, from_x = np.moveaxis(source, -1, 0)
        residual = photographs[row, from_y, from_x].astype(int) - regressed[row, from_y, from_x]
        image = np.clip(regressed[rows][:, None] + residual, 0, 255).astype(np.uint8)
        arrays = {"image": image, "source": source.astype(np.int32)}
        if method == "coherent":
            arrays["score"] = draw.random((TESTS, MEMBERS)).astype(np.float32)
            few = [draw.permutation(MEMBERS)[:FEW] for _ in rows]
            arrays["few"] = np.stack(few).astype(np.int16)
        ranks = [[1, k + 1, 1] for k in range(MEMBERS)]
        members = ranks if method == "global" else SCHEDULE
        write_group(
            layout.candidates(method, DOMAIN, CONDITION),
            arrays,
            {"rows": rows, "candidates": members, "votes": 0},
        )
    write_whole(draw, rows)


def write_whole(draw: np.random.Generator, rows: list[int]) -> None:
    """Pixels of two photographs that were enlarged; each test image's first is of one alone."""
    photographs = np.asarray(array(open_group(layout.images(DOMAIN)), "image"))
    count = len(rows)
    exemplar = draw.integers(0, TRAIN, (count, WHOLE, 2)).astype(np.int32)
    slot = draw.integers(0, 2, (count, WHOLE, LARGE, LARGE))
    slot[:, 0] = 0
    y, x = np.broadcast_arrays(*np.indices((LARGE, LARGE)), subok=False)
    source = np.stack([slot, *(np.broadcast_to(v, slot.shape) for v in (y, x))], -1)
    used = np.take_along_axis(exemplar[..., None, None], slot[:, :, None], 2)[:, :, 0]
    score = np.array([[2.0, 0.5, 1.0]] * count, np.float32)
    write_group(
        layout.candidates("whole", DOMAIN, CONDITION),
        {
            "image": photographs[used, y // 2, x // 2],
            "source": source.astype(np.int16),
            "exemplar": exemplar,
            "mirrored": np.zeros((count, WHOLE, 2), np.uint8),
            "gain": np.ones((count, WHOLE, 2, 3, 3, 3), np.float16),
            "shift": np.zeros((count, WHOLE, 2, 3, 3, 3), np.float16),
            "score": score,
            "few": np.array([[1, 2]] * count, np.int16),
        },
        {
            "rows": rows,
            "candidates": [[1, 1, "guides"], [3, 1, "guides"], [1, 2, "guides"]],
            "votes": 0,
        },
    )


@pytest.fixture
def domain(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_params(evaluate={"rounds": MEMBERS, **QUICK}, **SECTIONS)
    write_images(list(range(TRAIN + TESTS)))
    write_networks()
    write_candidates(np.random.default_rng(0))
    return tmp_path


def test_the_tables_have_every_method_selection_and_column(domain):
    folder = run()
    table = by_main(folder, "table")
    assert tuple(table.columns) == COLUMNS
    many = ["rand-1", "oracle per metric", "oracle one candidate"]
    expected = {
        "regressor": ["single"],
        "pix2pix": many,
        "global": many,
        "global_nearest": many,
        "pixelnn": many,
        "coherent": [*many, "top-1", "random few", "distinct few"],
        "whole": [*many, "top-1", "random few", "distinct few"],
    }
    assert table.groupby("method", sort=False)["selection"].apply(list).to_dict() == expected
    found = table.set_index(["method", "selection"])
    assert found["correspondence"].isna().all()  # photographs have no known surface
    # What copies nothing has no seams.
    unseamed = set(found.index[found["seam"].isna()].get_level_values("method"))
    assert unseamed == {"regressor", "pix2pix", "whole"}
    assert (found.loc["pix2pix", "candidates"] == MEMBERS).all()
    assert np.isfinite(found.loc[("coherent", "top-1"), "rank_correlation"])
    assert found["rank_correlation"].notna().sum() == 2
    assert (found.loc["whole", "candidates"] == [WHOLE] * 4 + [2] * 2).all()
    with_diversity = {key for key, value in found["diversity"].items() if np.isfinite(value)}
    assert with_diversity == {
        *((method, "rand-1") for method in MANY),
        *((method, few) for method in RANKED for few in ("random few", "distinct few")),
    }
    named = found["diversity_features"]
    assert {key for key, name in named.items() if isinstance(name, str)} == with_diversity
    [name] = named.dropna().unique()
    assert name.endswith(" cells of conv1_2+conv2_2+conv3_3+conv4_3+conv5_3")
    diversity = found["diversity"].xs("rand-1", level="selection")
    assert diversity["pix2pix"] < diversity["pixelnn"] / 2
    # The same candidates in another order.
    for selection, name in (("rand-1", "diversity"), ("oracle per metric", "mean")):
        values = found.xs(selection, level="selection")[name]
        assert values["pixelnn"] == pytest.approx(values["coherent"], rel=1e-5)
    metrics = json.loads((folder / "metrics.json").read_text())
    assert metrics["coherent top-1"]["seam"] > 0
    assert list(metrics) == [f"{m} {s}" for m, names in expected.items() for s in names]
    series = pd.read_csv(folder / "spectrum.csv")["series"].unique().tolist()
    assert sorted(series) == sorted([*(set(expected) - {"global_nearest"}), "input", "truth"])


def test_both_judges_score_everything_and_the_independent_one_comes_first(domain):
    conditions = zarr.open_group(str(layout.conditions(DOMAIN)))
    made = load_estimators(layout.ESTIMATORS).identity
    conditions.attrs["origins"] = {CONDITION: made}
    features = zarr.open_group(str(layout.features(DOMAIN, CONDITION)))
    features.attrs["backbone"] = made
    table = pd.read_csv(run() / "table.csv", keep_default_na=False)
    other = load_estimators(layout.JUDGE).identity
    assert table["judge"].drop_duplicates().tolist() == [other, made]
    shares = table.groupby("judge")["judge_shares"].unique().apply(list).to_dict()
    assert shares == {other: ["nothing"], made: ["input, descriptors, exemplars"]}
    ours, theirs = (table[table["judge"] == name].reset_index() for name in (other, made))
    pd.testing.assert_frame_equal(ours[["method", "selection"]], theirs[["method", "selection"]])
    assert (ours["mean"] != theirs["mean"]).all() and (ours["ap"] != theirs["ap"]).all()
    # What no network judges stands once.
    assert (theirs[["seam", "diversity", "correspondence"]] == "").all(axis=None)
    assert (ours[ours["method"] == "coherent"]["seam"] != "").all()
    # Both judge the same candidates' ranking.
    assert (theirs["rank_correlation"] != "").sum() == (ours["rank_correlation"] != "").sum() == 2
    scores = pd.read_csv(layout.evaluation("pixelnn", DOMAIN, CONDITION) / "scores.csv")
    assert scores["judge"].drop_duplicates().tolist() == [other, made]
    assert scores.groupby("judge")["mean"].mean().nunique() == 2


def test_scores_are_of_the_stores_candidates(domain):
    scores = by_main(run(), "scores")
    stored = np.asarray(
        array(open_group(layout.candidates("coherent", DOMAIN, CONDITION)), "score")
    )
    mine = scores[scores["method"] == "coherent"]
    np.testing.assert_allclose(mine["score"], stored.ravel(), rtol=1e-5)
    whole = scores[scores["method"] == "whole"]
    assert whole["score"].tolist() == [2.0, 0.5, 1.0] * TESTS
    assert scores.loc[~scores["method"].isin(RANKED), "score"].isna().all()
    flat = scores[scores["method"] == "global"]["seam"]
    torn = scores[scores["method"] == "pixelnn"]["seam"]
    assert flat.max() < torn.min()
    # The coherent pictures are those of `pixelnn`, whose residuals were not of the luma alone.
    assert (np.sort(mine["seam"]) != np.sort(torn)).all()


def test_global_draws_on_the_leaders_of_the_schedule_as_often_as_they_lead(domain, monkeypatch):
    monkeypatch.setattr(frechet, "ENOUGH", 0.1)
    folder = run()
    scores = by_main(folder, "scores")
    errors = {
        name: group["mean"].to_numpy().reshape(TESTS, MEMBERS)
        for name, group in scores.groupby("method")
        if len(group) == TESTS * MEMBERS
    }
    np.testing.assert_array_equal(errors["global"], errors["global_nearest"][:, LEADERS])
    found = by_main(folder, "table").set_index(["method", "selection"])
    expected = errors["global_nearest"] @ np.bincount(LEADERS, minlength=MEMBERS) / MEMBERS
    # As many rounds as candidates: every one is drawn once.
    assert found.loc[("global", "rand-1"), "mean"] == pytest.approx(expected.mean(), rel=1e-4)
    best = errors["global_nearest"][:, sorted(set(LEADERS))].min(1).mean()
    assert found.loc[("global", "oracle per metric"), "mean"] == pytest.approx(best, rel=1e-4)

    # What a store of these very pictures has.
    path = layout.candidates("global", DOMAIN, CONDITION)
    store = open_group(path)
    arrays = {n: np.asarray(array(store, n))[:, LEADERS] for n in ("image", "source")}
    attributes = dict(store.attrs)
    remove(path)
    write_group(path, arrays, attributes)
    there = by_main(run(), "table").set_index(["method", "selection"])
    columns = [c for c in found.columns if c not in ("method", "selection")]
    pd.testing.assert_frame_equal(
        there.loc["global_nearest"][columns], found.loc["global"][columns]
    )
    assert np.isfinite(found.loc[("global", "rand-1"), "fid"])


def test_global_has_every_leader_of_the_schedule(domain):
    path = layout.candidates("global", DOMAIN, CONDITION)
    arrays = {n: np.asarray(array(open_group(path), n))[:, :2] for n in ("image", "source")}
    remove(path)
    write_group(path, arrays, {"rows": [TRAIN, TRAIN + 1]})
    with pytest.raises(StoreError, match=r"expected at least 3 candidates, .* got 2; run `exempl"):
        run()


def test_the_distance_of_features_wants_enough_photographs(domain, monkeypatch):
    table = by_main(run(), "table")
    assert table["fid"].isna().all() and table["fid_features"].isna().all()
    assert "fid" not in set(by_main(run(), "comparison")["metric"])
    # 28 features: two images with four candidates each are too few for them, not for a tenth.
    monkeypatch.setattr(frechet, "ENOUGH", 0.1)
    folder = run()
    table = by_main(folder, "table").set_index(["method", "selection"])
    distances = table["fid"].dropna()
    assert set(distances.index) == {(m, "rand-1") for m in MANY}
    # Precision and recall want enough images whatever their features, and have the same name.
    assert table[["f8", "f1_8"]].isna().all(axis=None)
    monkeypatch.setattr(prd, "ENOUGH", 0.4)
    monkeypatch.setattr(prd, "CLUSTERS", 4)
    scored = by_main(run(), "table").set_index(["method", "selection"])
    assert set(scored["f8"].dropna().index) == set(scored["f1_8"].dropna().index)
    assert set(scored["f8"].dropna().index) == {(m, "rand-1") for m in MANY}
    assert scored.loc["pix2pix", "f8"].max() < scored.loc["global", "f8"].max()
    pd.testing.assert_frame_equal(
        scored.drop(columns=["f8", "f1_8"]), table.drop(columns=["f8", "f1_8"])
    )
    # The order of candidates is nothing to it.
    assert distances["pixelnn", "rand-1"] == pytest.approx(
        distances["coherent", "rand-1"], rel=1e-3
    )
    named = table["fid_features"].dropna().unique()
    assert len(named) == 1 and named[0].endswith(" means of conv1_2+conv2_2+conv3_3")
    comparison = by_main(folder, "comparison").set_index("metric")
    assert comparison.loc["fid", "images"] == TESTS
    # The same pictures: whatever images are drawn, the difference is none.
    assert comparison.loc["fid", ["low", "high"]].abs().max() < 1e-6


def test_a_few_candidates_are_measured_on_a_larger_network_s_features(domain):
    sampled = {"side": 32, "candidates": 2, "photographs": 10}
    write_params(evaluate={"sampled": sampled, "detail": None}, **SECTIONS)
    folder = run()
    table = by_main(folder, "table").set_index(["method", "selection"])
    kid = table["kid_efficientnet_lite2"].dropna()
    assert set(kid.index) == {("regressor", "single"), *((m, "rand-1") for m in MANY)}
    low, high = (table.loc[kid.index, f"kid_efficientnet_lite2_{end}"] for end in ("low", "high"))
    assert (low <= kid + 1e-9).all() and (kid <= high + 1e-9).all()
    assert table["fd_efficientnet_lite2"].isna().all()  # 1,280 features, four images
    [name] = table["efficientnet_lite2_features"].dropna().unique()
    assert name.startswith("efficientnet_lite2 pooled at 32#")
    assert name.endswith(", of 10 photographs and 2 candidates of each test image")
    # Whole photographs are like photographs, mean grey is not.
    assert kid["global", "rand-1"] < kid["regressor", "single"]
    other = pd.read_csv(folder / "table.csv")
    other = other[other["judge"] != other["judge"].iloc[0]]
    assert other["kid_efficientnet_lite2"].isna().all()
    compared = by_main(folder, "comparison").set_index("metric").loc["kid_efficientnet_lite2"]
    pair = compared[["published", "coherent"]].to_list()
    assert pair == pytest.approx([kid["pixelnn", "rand-1"], kid["coherent", "rand-1"]], rel=1e-4)
    assert compared["low"] <= compared["difference"] <= compared["high"]


def test_methods_are_compared_image_by_image(domain):
    folder = run()
    comparison = by_main(folder, "comparison")
    assert list(comparison.columns) == [
        "domain", "condition", "metric", "published", "coherent", "difference", "low", "high",
        "images", "judge",
    ]  # fmt: skip
    scores = by_main(folder, "scores")
    each = comparison.set_index("metric")
    for metric in ("mean", "rmse", "within_30", "seam"):
        for name, method in (("published", "pixelnn"), ("coherent", "coherent")):
            expected = scores[scores["method"] == method].groupby("image")[metric].mean().mean()
            assert each.loc[metric, name] == pytest.approx(expected, rel=1e-4)
        assert each.loc[metric, "images"] == TESTS
    # The same pictures: what the judge sees is the same, image by image.
    assert abs(each.loc["mean", "low"]) < 1e-4 and abs(each.loc["mean", "high"]) < 1e-4


def test_the_spread_of_each_image_has_its_most_different_first(domain):
    write_params(evaluate={"perceptual": None, **QUICK}, **SECTIONS)
    spread = pd.read_csv(run() / "spread.csv")
    assert spread.groupby("method", sort=False)["image"].count().to_dict() == dict.fromkeys(MANY, 2)
    for row in spread.to_dict("records"):
        method = row["method"].removesuffix("_nearest")
        store = open_group(layout.candidates(method, DOMAIN, CONDITION))
        place = list(store.attrs["rows"]).index(int(row["image"].removeprefix("noise-")))
        images = np.asarray(array(store, "image"))[place].astype(float)
        images = images[LEADERS] if row["method"] == "global" else images
        if row["method"] == "whole":
            across = np.floor(images.reshape(WHOLE, LARGE, SIDE, 2, 3).mean(3) + 0.5)
            images = np.floor(across.reshape(WHOLE, SIDE, 2, SIDE, 3).mean(2) + 0.5)
        count = len(images)
        order = [int(one) for one in row["order"].split()]
        assert sorted(order) == list(range(count))
        apart = {
            (a, b): np.sqrt(np.mean((images[a] - images[b]) ** 2))
            for a in range(count)
            for b in range(a)
        }
        assert max(apart, key=lambda pair: apart[pair]) == tuple(sorted(order[:2], reverse=True))
        assert row["diversity"] == pytest.approx(np.mean(list(apart.values())), rel=1e-4)


def test_diversity_is_measured_on_what_is_named(domain):
    found = {}
    for named in (None, {"kind": "estimator"}, {"kind": "estimator", "layers": ["conv2_2"]}):
        write_params(evaluate={"perceptual": named, **QUICK}, **SECTIONS)
        table = by_main(run(), "table")
        [name] = table["diversity_features"].dropna().unique()
        found[name] = table.set_index(["method", "selection"])["diversity"].dropna()
    plain, all_layers, one_layer = found
    assert plain == "pixels, grey levels"
    assert all_layers.split(" cells of ")[0] == one_layer.split(" cells of ")[0]
    assert one_layer.endswith(" cells of conv2_2")
    # Two noises of 9 levels differ by sqrt(2 * 80 / 12); the other methods' by dozens.
    assert found[plain]["pix2pix", "rand-1"] == pytest.approx(np.sqrt(160 / 12), rel=0.05)
    assert found[plain]["pixelnn", "rand-1"] > 50
    assert found[one_layer]["pixelnn", "rand-1"] != pytest.approx(
        found[all_layers]["pixelnn", "rand-1"], rel=0.01
    )


def test_pix2pix_has_as_many_candidates_as_pixelnn(domain):
    path = layout.candidates("pix2pix", DOMAIN, CONDITION)
    fewer = np.asarray(array(open_group(path), "image"))[:, 1:]
    remove(path)
    write_group(path, {"image": fewer}, {"rows": [TRAIN, TRAIN + 1]})
    with pytest.raises(StoreError, match="as many candidates as PixelNN has, 4, got 3; run"):
        run()


def test_equal_inputs_give_equal_bytes(domain):
    first = content_hash(run())
    assert content_hash(run()) == first


def test_stores_of_different_runs_are_not_compared(domain):
    path = layout.candidates("coherent", DOMAIN, CONDITION)
    zarr.open_group(str(path)).attrs["rows"] = [0, 1]
    task = f"{DOMAIN}-{CONDITION}"
    with pytest.raises(StoreError, match=f"other test images .*pix2pix_candidates@{task} coherent"):
        run()
    zarr.open_group(str(path)).attrs["rows"] = [TRAIN, TRAIN + 1]
    path = layout.candidates("whole", DOMAIN, CONDITION)
    zarr.open_group(str(path)).attrs["rows"] = [TRAIN + 1, TRAIN]
    with pytest.raises(StoreError, match=f"other test images .*, whole; run .* whole@{task}`"):
        run()
    remove(path)
    with pytest.raises(StoreError, match="candidates/whole/noise-edges.zarr: no Zarr group"):
        run()


def test_whole_pictures_are_scored_reduced(domain):
    outputs = Outputs(DOMAIN, CONDITION, load_params())
    photographs = np.asarray(array(open_group(layout.images(DOMAIN)), "image"))
    image, source = outputs.image("whole", 1), outputs.source("whole", 1)
    assert image.shape == (WHOLE, SIDE, SIDE, 3) and outputs.pictures("whole", 1).shape[1] == LARGE
    # The first is one photograph, enlarged: reduced, it is that photograph.
    stored = open_group(layout.candidates("whole", DOMAIN, CONDITION))
    first = int(np.asarray(array(stored, "exemplar"))[1, 0, 0])
    np.testing.assert_array_equal(image[0], photographs[first])
    # Of the others each pixel's source is that of one of the four it was reduced from.
    exemplar = np.asarray(array(stored, "exemplar"))[1]
    slot = np.asarray(array(stored, "source"))[1, ..., 0]
    y, x = np.indices((SIDE, SIDE))
    for each in range(WHOLE):
        np.testing.assert_array_equal(source[each, ..., 1:], np.stack([y, x], -1))
        middle = slot[each, 1::2, 1::2]
        np.testing.assert_array_equal(source[each, ..., 0], exemplar[each][middle])


class Enlarged(Photographs):
    """Photographs of twice the stored size, of files that have no larger ones."""

    def __init__(self, domain, params, _):
        super().__init__(domain, params, WholeSettings(), LARGE)


def test_pictures_are_judged_at_their_own_size(domain, monkeypatch):
    detail = {"side": 64, "candidates": 2, "photographs": 9, "edges": "estimator"}
    write_params(evaluate={"sampled": None, "detail": detail}, **SECTIONS)
    params = load_params()
    monkeypatch.setattr(large, "Photographs", Enlarged)
    table = pd.read_csv(run() / "detail.csv")
    assert tuple(table.columns) == DETAIL
    assert table[["metric", "selection"]].to_numpy().tolist() == [
        [metric, selection]
        for selection in ("top-1", "rand-1")
        for metric in ("mean", "ap", "kid_efficientnet_lite2")
    ]
    assert (table["side"] == LARGE).all() and (table["images"] == TESTS).all()
    assert table["candidates"].tolist() == [1, 1, 1, 2, 2, 2]
    for one in ("coherent", "whole"):
        assert (table[f"{one}_low"] <= table[one] + 1e-9).all()
        assert (table[one] <= table[f"{one}_high"] + 1e-9).all()
    np.testing.assert_allclose(
        table["difference"], table["whole"] - table["coherent"], rtol=1e-3, atol=1e-5
    )
    other = load_estimators(layout.JUDGE)
    rows = table.set_index(["metric", "selection"])
    assert rows.loc["mean", "judge"].tolist() == [other.identity] * 2
    assert rows.loc["mean", "judge_shares"].tolist() == ["nothing"] * 2
    name = rows.loc[("kid_efficientnet_lite2", "top-1"), "judge"]
    assert name.startswith("efficientnet_lite2 pooled at 64#") and name.endswith(
        ", of 9 photographs"
    )
    # By the stores: the best-ranked is the first of the few.
    outputs, judge = Outputs(DOMAIN, CONDITION, params), Judge(other)
    opened = Enlarged(DOMAIN, params, None)
    for method in ("coherent", "whole"):
        expected = []
        for place, row in enumerate(outputs.rows):
            ranking = outputs.ranking(method, place)
            assert ranking is not None
            one = outputs.pictures(method, place)[ranking.few[0]]
            if method == "coherent":
                by = Image.Resampling.BICUBIC
                one = np.array(Image.fromarray(one).resize((LARGE, LARGE), by))
            seen = [judge(image[None]).normals[0] for image in (one, opened.image(int(row)))]
            expected.append(angular_error(*seen).mean())
        assert rows.loc[("mean", "top-1"), method] == pytest.approx(np.mean(expected), rel=1e-4)


def test_no_pictures_are_looked_at_if_none_are_asked_for(domain):
    text = (run() / "detail.csv").read_text()
    assert text == ",".join(DETAIL) + "\n"


def test_an_input_without_a_class_is_dark_and_never_brighter_than_the_last_class(
    tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    stored = np.array([[[0, 1, 2], [255, 2, 255]]], np.uint8)
    attributes = {"classes": ["a", "b", "c"]}
    write_group(layout.conditions("d"), {"labels": stored}, attributes)
    write_group(layout.images("d"), {"image": np.zeros((1, 2, 3, 3), np.uint8)})
    assert evaluate._input("d", "labels", 0).tolist() == [[[0, 0.5, 1], [0, 1, 0]]]
