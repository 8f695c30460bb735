"""Semantic Image Analogy's table: gathered, printed, and when a training is useful."""

from __future__ import annotations

from math import inf, nan
from pathlib import Path

import pandas as pd
import pytest

from exemplar.report.layout_scores import (
    COLUMNS,
    MEASURES,
    blocks,
    read_source_scores,
    shown,
    useful_after,
)
from exemplar.report.layout_table import WIDTH, as_text
from exemplar.report.tables import TableError
from flows import tables

CURVE = pd.DataFrame(
    {
        "seconds": [10.0, 20.0, 30.0, 40.0],
        "mean_iou": [30.0, 49.0, 47.5, 50.0],
        "patch_distance": [9.0, 6.0, 5.2, 5.0],
        "judge": "seer",
    }
)


def write_scores(source: str) -> None:
    """A table of two methods and a reference, as `semantic_evaluate` leaves it."""
    folder = Path("reports/semantic")
    folder.mkdir(parents=True, exist_ok=True)
    rows = [
        (source, "source", "identity", 1, inf),
        (source, "source", "all", 3, inf),
        (source, "patches", "all", 3, 41.25),
        (source, "gan", "other", 1, nan),
        (source, "gan", "all", 3, 29.5),
    ]
    named = ["source", "method", "target", "targets", "identity_psnr"]
    table = pd.DataFrame(rows, columns=pd.Index(named)).assign(
        patch_distance=4.0, patch_distance_any=3.0, completeness=5.0, pixel_accuracy=90.0,
        mean_iou=60.0, unchanged_psnr=nan, psnr_to_truth=nan, seconds=61.5, seconds_each=0.25,
        peak_mb=640.0, judge="seer",
    )  # fmt: skip
    table.to_csv(folder / f"{source}.csv", index=False)
    CURVE.to_csv(folder / f"{source}-curve.csv", index=False)


@pytest.fixture
def table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> pd.DataFrame:
    monkeypatch.chdir(tmp_path)
    return gathered("head")


def gathered(source: str) -> pd.DataFrame:
    write_scores(source)
    folder = Path("reports/semantic")
    return read_source_scores(folder / f"{source}.csv", folder / f"{source}-curve.csv", source)


def test_the_rows_over_all_targets_are_the_table(table: pd.DataFrame) -> None:
    assert table.columns.tolist() == list(COLUMNS)
    assert table["method"].tolist() == ["gan", "patches", "source"]
    assert table["over"].unique().tolist() == ["all"]
    assert table["identity_psnr"].tolist() == [29.5, 41.25, inf]
    assert table["useful_seconds"].tolist()[0] == 30
    assert table["useful_seconds"].isna().tolist() == [False, True, True]


def test_a_training_is_useful_from_when_it_stays_near_its_end() -> None:
    # At 20 s the patch distance is a fifth too large; from 30 s on both are near.
    assert useful_after(CURVE) == 30
    assert useful_after(CURVE.assign(patch_distance=5.0)) == 20
    # What was near and became bad again does not count.
    fallen = CURVE.assign(patch_distance=5.0, mean_iou=[50.0, 50.0, 40.0, 50.0])
    assert useful_after(fallen) == 40
    # To be better than in the end is near enough.
    assert useful_after(CURVE.assign(patch_distance=4.0, mean_iou=[90.0, 90.0, 90.0, 50.0])) == 10
    assert useful_after(CURVE.iloc[:1]) == 10


def test_blocks_have_what_is_known_and_the_paper_last(table: pd.DataFrame) -> None:
    ours, paper = blocks(table)
    assert ours.title == "head, 3 targets (judge: seer)"
    assert MEASURES["unchanged_psnr"][0] not in ours.headings
    names = [name for name, _ in ours.rows]
    assert names == ["GAN of one image", "Patches of the source", "· the source as it is"]
    places = {heading: place for place, heading in enumerate(ours.headings)}
    cells = dict(ours.rows)
    assert cells["GAN of one image"][places["identity ↑"]] == "29.5"
    assert cells["· the source as it is"][places["identity ↑"]] == "∞"
    assert cells["Patches of the source"][places["useful"]] == "–"
    assert not paper.ours
    assert dict(paper.rows)["Semantic Image Analogy"] == ("1.735", "54.0", "45.7")
    assert shown("mean_iou", 45.66) == "45.7"


def test_targets_that_all_methods_have_are_a_block_of_their_own(table: pd.DataFrame) -> None:
    path = Path("reports/semantic/head.csv")
    whole = pd.read_csv(path)
    all_rows = whole[whole["target"] == "all"]
    shared = all_rows.assign(target="shared", targets=2, mean_iou=55.0)
    photographs = shared.iloc[:1].assign(method="photograph")
    both = [photographs.assign(target="all"), photographs, shared, whole]
    pd.concat(both).to_csv(path, index=False)
    found = read_source_scores(path, Path("reports/semantic/head-curve.csv"), "head")
    names = ["gan", "patches", "source", "photograph"]
    assert found["method"].tolist() == 2 * names
    assert found["over"].tolist() == 4 * ["all"] + 4 * ["shared"]
    every, few, _ = blocks(found)
    assert every.title == "head, 3 targets, or the 2 with a photograph (judge: seer)"
    assert few.title == "head, the 2 targets that all methods have (judge: seer)"
    place = few.headings.index(MEASURES["mean_iou"][0])
    assert [cells[place] for _, cells in few.rows] == 4 * ["55.0"]
    assert [cells[place] for _, cells in every.rows] == [*3 * ["60.0"], "55.0"]


def test_printed_it_has_every_source_and_keeps_within_the_width(table: pd.DataFrame) -> None:
    both = pd.concat([table, gathered("facade")], ignore_index=True)
    text = as_text(both)
    lines = text.splitlines()
    assert max(map(len, lines)) <= WIDTH
    assert [line.split(",")[0].strip() for line in lines if "(judge: seer)" in line] == [
        "head", "facade",
    ]  # fmt: skip
    rows = [line for line in lines if line.startswith("  Patches of the source")]
    assert rows[0].split() == ["Patches", "of", "the", "source", "4.00", "3.00", "5.00", "90.0",
                               "60.0", "41.2"]  # fmt: skip
    assert "54.0" in text and "What differs:" in text


def test_the_command_prints_it(table: pd.DataFrame) -> None:
    tables.FOLDER.mkdir(parents=True)
    table.to_csv(tables.FOLDER / "semantic_analogy.csv", index=False)
    text = tables.show(["semantic_analogy"])
    assert text.startswith("reports/tables/semantic_analogy.csv\n\nimage + labels →")


def test_missing_or_other_tables_are_told(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(TableError, match="the stage semantic_evaluate@head has not run"):
        read_source_scores(Path("reports/semantic/head.csv"), Path("c.csv"), "head")
    write_scores("head")
    path = Path("reports/semantic/head.csv")
    pd.read_csv(path).drop(columns="judge").to_csv(path, index=False)
    with pytest.raises(TableError, match="missing: judge"):
        read_source_scores(path, Path("reports/semantic/head-curve.csv"), "head")
