from __future__ import annotations

import math
import statistics
from pathlib import Path

import pandas as pd
import pytest

from exemplar.methods.glann import model
from exemplar.report.glann_published import DATASETS, published
from exemplar.report.glann_scores import (
    COLUMNS,
    METHODS,
    SCORES,
    TRAINING,
    Block,
    blocks,
    named,
    over_seeds,
    read_scores,
)
from exemplar.report.tables import TableError
from tests.stages.glann_run import scores


def cell(block: Block, method: str, dataset: str) -> str:
    place = [column.dataset for column in block.columns].index(dataset)
    return dict(block.rows)[METHODS[method]][place].text


def leaders(block: Block, dataset: str) -> list[str]:
    place = [column.dataset for column in block.columns].index(dataset)
    return [method for method, cells in block.rows if cells[place].leads]


def test_the_published_numbers_are_the_papers() -> None:
    table = published().set_index(["method", "dataset"])
    assert len(table) == 10 * len(DATASETS)
    assert table["fid"]["glann"].tolist() == [8.6, 13.0, 46.5, 46.3]
    assert table["fid_deviation"]["lsgan", "CIFAR-10"] == 47.5
    # "Our method always significantly outperforms the VAE and GLO baselines", "significantly
    # outperforms all baselines" on two sets, and a few on CelebA do better.
    for other in ("glo_gaussian", "vae_l1", "vae_perceptual"):
        assert (table["fid"]["glann"] < table["fid"][other]).all()
    wide = published().query("method != 'glann_places'").pivot(index="method", columns="dataset")
    best = wide["fid"].idxmin()
    assert [best[name] for name in DATASETS] == ["wgan", "glann", "glann", "began"]
    # F8 first: of GLO's pairs the second, precision, is the lower one everywhere.
    assert (table["f8"]["glo_gaussian"] > table["f1_8"]["glo_gaussian"]).all()
    assert table.loc[("glann", "CelebA"), ["f8", "f1_8"]].tolist() == [0.574, 0.681]
    assert table["f8"]["began"].isna().all()


def test_every_method_has_a_name_and_every_number_a_method() -> None:
    assert set(model.METHODS) | set(published()["method"]) | {TRAINING} == set(METHODS)


def test_seeds_are_averaged_and_their_deviation_is_a_samples() -> None:
    table = over_seeds(pd.concat([scores("dots", seed) for seed in (0, 1, 5)]))
    assert list(table) == list(COLUMNS)
    row = table.set_index("method").loc["glann"]
    assert row["fid"] == pytest.approx(statistics.mean([11.5, 11.6, 12.0]))
    assert row["fid_deviation"] == pytest.approx(statistics.stdev([11.5, 11.6, 12.0]))
    assert row["f8_deviation"] == 0
    assert row[["seeds", "samples", "images"]].tolist() == [3, 9, 6]
    one = over_seeds(scores("dots", 0, "FID is noisy")).set_index("method").loc["glann"]
    assert (one["fid"], one["seeds"], one["warning"]) == (11.5, 1, "FID is noisy")
    assert math.isnan(one["fid_deviation"])


def test_a_score_that_one_seed_lacks_is_no_mean() -> None:
    lacking = scores("dots", 1)
    lacking.loc[lacking["method"] == "glann", "f8"] = float("nan")
    table = over_seeds(pd.concat([scores("dots", 0), lacking])).set_index("method")
    assert math.isnan(table["f8"]["glann"]) and not math.isnan(table["f8"]["vae_l1"])


def test_only_published_features_bear_the_bare_name() -> None:
    assert named("fid", "inception#12ab") == "FID"
    assert named("fid", "classifier#12ab") == "FID (classifier)"
    assert named("f1_8", "pixelnet-16@heads#12ab means of conv1_2") == "F1/8 (pixelnet-16@heads)"


def test_a_block_has_methods_as_rows_and_data_sets_as_columns() -> None:
    fid, f8, f1_8 = blocks(over_seeds(scores("dots", 0, "FID is noisy")))
    assert (fid.name, f8.name, f1_8.name) == ("FID", "F8", "F1/8")
    assert [column.dataset for column in fid.columns] == ["dots", *DATASETS]
    assert [(column.metric, span) for column, span in fid.spans] == [
        ("FID (classifier)", 1), ("FID", len(DATASETS)),
    ]  # fmt: skip
    # What the warning names is marked, nothing else.
    assert cell(fid, "glann", "dots") == "11.50*" and cell(f8, "glann", "dots") == "0.850"
    assert cell(fid, "lsgan", "CIFAR-10") == "87.1 ± 47.5"
    assert cell(fid, "lsgan", "dots") == cell(fid, "imle_pixels", "MNIST") == "–"
    assert METHODS["began"] not in dict(f8.rows), "it has no F8"
    # Lower distances lead, higher scores do; training images are no method.
    assert leaders(fid, "dots") == leaders(f8, "dots") == leaders(f1_8, "dots") == ["GLANN"]
    assert leaders(fid, "MNIST") == ["WGAN"]


def test_the_kernel_distance_is_a_block_where_there_is_one() -> None:
    known = scores("dots", 0).assign(
        kid_efficientnet_lite2=[0.01 * place for place in range(len(scores("dots", 0)))],
        efficientnet_lite2_features="efficientnet_lite2 pooled at 96#1",
    )
    *_, kid = blocks(over_seeds(known))
    assert [(c.dataset, c.metric) for c in kid.columns] == [
        ("dots", "KID (efficientnet_lite2 pooled at 96)")
    ]
    assert cell(kid, "glann", "dots") == "0.0100" and leaders(kid, "dots") == ["GLANN"]


def test_columns_on_other_features_stand_apart() -> None:
    other = scores("flowers", 0).assign(fid_features="inception#1")
    fid = blocks(over_seeds(pd.concat([scores("dots", 0), scores("more", 0), other])))[0]
    assert [(c.dataset, c.metric, c.ours, count) for c, count in fid.spans] == [
        ("dots", "FID (classifier)", True, 2),
        ("flowers", "FID", True, 1),
        ("MNIST", "FID", False, 4),
    ]


def test_all_that_is_wrong_with_scores_is_told_at_once(tmp_path: Path) -> None:
    folders = {("dots", seed): tmp_path / f"dots-{seed}" for seed in range(5)}
    for (_, seed), folder in folders.items():
        if seed != 4:
            folder.mkdir()
            scores("dots", seed).to_csv(folder / "scores.csv", index=False)
    good = {name: folder for name, folder in folders.items() if name[1] < 2}
    table = read_scores(good)
    assert table["fid"].tolist()[:2] == ["1.5", "11.5"] and list(table) == list(SCORES)
    scores("dots", 1).assign(fid_features="other#2").to_csv(
        folders["dots", 1] / "scores.csv", index=False
    )
    scores("spots", 2).to_csv(folders["dots", 2] / "scores.csv", index=False)
    scores("dots", 3).drop(columns="f8").to_csv(folders["dots", 3] / "scores.csv", index=False)
    with pytest.raises(TableError) as caught:
        read_scores(folders)
    rows, columns, missing, features = str(caught.value).splitlines()
    assert "dots-2/scores.csv: expected rows of dots and seed 2, got [('spots', '2')]" in rows
    assert "missing: ['f8'], unknown: none; `exemplar reproduce glann_evaluate@dots-3`" in columns
    assert "dots-4/scores.csv: no such file" in missing
    assert "one set of features in all rows of all seeds, got classifier#ab12, other#2" in features


def test_seeds_with_other_methods_are_not_averaged(tmp_path: Path) -> None:
    for seed in (0, 1):
        (tmp_path / str(seed)).mkdir()
        scores("dots", seed)[: 6 - seed].to_csv(tmp_path / f"{seed}/scores.csv", index=False)
    with pytest.raises(TableError, match=r"the same methods of every seed, got seed 0: .*; seed 1"):
        read_scores({("dots", seed): tmp_path / str(seed) for seed in (0, 1)})
