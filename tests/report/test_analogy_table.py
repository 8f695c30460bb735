"""Deep Image Analogy's tables beside the published numbers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from exemplar.methods.deep_analogy.compared import METHODS as MEASURED
from exemplar.report.analogy_scores import (
    CATEGORIES,
    FLOW_COLUMNS,
    KEYPOINT_COLUMNS,
    METHODS,
    SHORT,
    ScoresError,
    flow_blocks,
    keypoint_blocks,
    read_scores,
)
from exemplar.report.analogy_table import NAMES, as_text, differences
from flows import tables

NONE = np.nan


@pytest.fixture
def flow() -> pd.DataFrame:
    rows = [
        ("heads/1-2", "deep_analogy", 20.0, 4.0, 1.0, 0.25, 2.0),
        ("heads/1-2", "identity", 10.0, 8.0, 0.0, 0.5, 0.0),
        ("heads/3-4", "deep_analogy", 30.0, 7.0, 2.0, 0.5, 4.0),
        ("heads/3-4", "identity", np.inf, 9.0, 0.0, 1.0, 0.0),
        ("heads/1-2", "truth", 40.0, 0.0, NONE, 0.125, NONE),
        ("heads/3-4", "truth", 50.0, 0.0, NONE, 0.125, NONE),
        ("views/A", "deep_analogy", 33.0, NONE, 5.0, NONE, 1.0),
    ]
    return pd.DataFrame(rows, columns=list(FLOW_COLUMNS))


@pytest.fixture
def keypoints() -> pd.DataFrame:
    rows = [
        ("willow/car(G)", "deep_analogy", 50.0, 25.0, 4),
        ("willow/car(G)", "patchmatch", 10.0, 5.0, 4),
        ("willow/duck(S)", "deep_analogy", 60.0, 35.0, 2),
        ("willow/duck(S)", "patchmatch", 20.0, 8.0, 2),
        ("heads/heads", "deep_analogy", 70.0, 60.0, 3),
    ]
    return pd.DataFrame(rows, columns=list(KEYPOINT_COLUMNS))


def test_pairs_of_a_set_are_averaged_where_they_are_known(flow: pd.DataFrame) -> None:
    heads, views, published = flow_blocks(flow)
    assert heads.title == "heads, 2 pairs" and heads.ours
    assert heads.headings == ("PSNR ↑", "Endpoint ↓", "Corr. ↓", "Cycle ↓", "Seconds")
    assert heads.rows == (
        ("Deep Image Analogy", ("25.00", "5.50", "0.375", "3.00", "1.5")),
        ("same place", ("∞", "8.50", "0.750", "0.00", "0.0")),
        ("the truth", ("45.00", "0.00", "0.125", "–", "–")),
    )
    # What no pair of a set has, has no column.
    assert views.title == "views, 1 pair"
    assert views.headings == ("PSNR ↑", "Cycle ↓", "Seconds")
    assert dict(published.rows)["PatchMatch on colours"] == ("35.18", "22.40")
    assert dict(published.rows)["Deep Image Analogy"] == ("34.16", "3.21")
    assert not published.ours


def test_means_of_a_block_are_over_the_same_pairs() -> None:
    # Of the easy pair A the flow is known, of the hard pair B it is not.
    rows = [
        ("views/A", "patchmatch", 40.0, 20.0, 1.0, NONE, 9.0),
        ("views/B", "patchmatch", 20.0, NONE, 2.0, NONE, 7.0),
        ("views/A", "truth", 35.0, 0.0, NONE, NONE, NONE),
    ]
    every, known, _ = flow_blocks(pd.DataFrame(rows, columns=list(FLOW_COLUMNS)))
    assert every.title == "views, 2 pairs"
    assert every.headings == ("PSNR ↑", "Cycle ↓", "Seconds")
    assert every.rows == (("PatchMatch on colours", ("30.00", "8.00", "1.5")),)
    assert known.title == "views, 1 pair with known flow"
    assert known.headings == ("PSNR ↑", "Endpoint ↓", "Cycle ↓", "Seconds")
    # There the truth is worse, as it is for a pair whose places are partly hidden.
    assert known.rows == (
        ("PatchMatch on colours", ("40.00", "20.00", "9.00", "1.0")),
        ("the truth", ("35.00", "0.00", "–", "–")),
    )


def test_categories_have_a_mean_in_which_each_counts_the_same(keypoints: pd.DataFrame) -> None:
    large, small, heads, _, willow, published = keypoint_blocks(keypoints)
    assert large.title == "willow, PCK, α = 0.1, 6 pairs"
    assert large.headings == ("DIA", "PatchMatch")
    assert large.rows == (
        ("car(G)", ("50.0", "10.0")), ("duck(S)", ("60.0", "20.0")), ("mean", ("55.0", "15.0")),
    )  # fmt: skip
    assert small.title.startswith("willow, PCK, α = 0.05")
    assert small.rows[-1] == ("mean", ("30.0", "6.5"))
    assert [name for name, _ in heads.rows] == ["heads"]
    assert willow.title == "published, PF-WILLOW, PCK, 900 pairs" and not willow.ours
    assert dict(willow.rows)["SCOT, ResNet-101"] == ("48.0", "76.2")
    assert dict(willow.rows)["Hyperpixel Flow, ResNet-101"] == ("–", "74.4")
    assert [name for name, _ in published.rows] == [*CATEGORIES, "mean"]
    assert published.rows[-1][1] == ("4.2", "16.5", "18.3", "21.0")


def test_the_published_means_follow_from_the_published_categories(keypoints: pd.DataFrame) -> None:
    rows = keypoint_blocks(keypoints)[-1].rows
    values = np.array([[float(cell) for cell in cells] for _, cells in rows])
    np.testing.assert_allclose(values[:-1].mean(0), values[-1], atol=0.06)
    # Rows of the paper that are easy to check against its page.
    assert dict(rows)["bus"] == ("2.3", "25.0", "27.3", "47.7")
    assert dict(rows)["sofa"] == ("0.0", "15.4", "19.2", "15.4")


@pytest.mark.parametrize("name", NAMES)
def test_text_is_narrow_aligned_and_says_what_differs(name: str, flow, keypoints) -> None:
    text = as_text(name, flow if name == NAMES[0] else keypoints)
    lines = text.splitlines()
    assert max(map(len, lines)) <= 100
    assert "What differs:" in lines and "Published: Visual Attribute Transfer" in text
    told = " ".join(text.split())
    for aspect, there, here in differences(name):
        assert f"{aspect}: the paper, {there}; here, {here}." in told


def test_columns_end_below_their_headings(flow: pd.DataFrame) -> None:
    lines = as_text("analogy_flow", flow).splitlines()
    head = next(line for line in lines if "PSNR ↑" in line)
    row = next(line for line in lines if line.startswith("  Deep Image Analogy"))
    for heading, value in (("PSNR ↑", "25.00"), ("Endpoint ↓", "5.50"), ("Cycle ↓", "3.00")):
        assert head.index(heading) + len(heading) == row.index(value) + len(value)


def test_every_method_has_a_name() -> None:
    assert set(MEASURED) <= set(METHODS) and set(MEASURED) <= set(SHORT)


def test_the_command_prints_both(tmp_path: Path, monkeypatch, flow, keypoints) -> None:
    monkeypatch.chdir(tmp_path)
    tables.FOLDER.mkdir(parents=True)
    flow.to_csv(tables.FOLDER / "analogy_flow.csv", index=False)
    keypoints.to_csv(tables.FOLDER / "analogy_keypoints.csv", index=False)
    text = tables.show(list(NAMES))
    assert as_text(NAMES[0], flow) in text
    assert as_text(NAMES[1], keypoints) in text


def test_a_table_that_is_missing_or_of_another_form_is_told(tmp_path: Path, flow) -> None:
    path = tmp_path / "analogy_flow.csv"
    with pytest.raises(ScoresError, match="`exemplar reproduce analogy_flow` makes it"):
        read_scores(path)
    flow.drop(columns="seconds").to_csv(path, index=False)
    with pytest.raises(ScoresError, match="expected the columns pair, method, psnr"):
        read_scores(path)
    flow.to_csv(path, index=False)
    pd.testing.assert_frame_equal(read_scores(path), flow)
