from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from exemplar.metrics.segmentation import COLUMNS
from exemplar.report.pix2pixhd_table import (
    SCORES,
    as_text,
    differences,
    published,
    read_scores,
    shown,
)
from exemplar.report.tables import FEW_IMAGES, TableError
from flows import tables

NAN = float("nan")
HEADS = ("pixelnet-16@heads#1", "loss, exemplars")
NONE = (NAN, NAN, NAN, "")
ROWS = [
    ("heads", "real", "", 91.5, 0.71234, 90.5, 0.7, 20, *HEADS, *NONE),
    ("heads", "U-Net", "multi-scale", 80.25, 0.5, 79.0, 0.49, 240, *HEADS,
     1.25, 0.75, 0.625, "deep means"),
    ("heads", "global", "one", 81.25, 0.5, 79.0, 0.49, 240, *HEADS,
     NAN, 0.5, 0.125, "deep means"),
    ("streets", "real", "", 93.0, 0.5, 92.0, 0.49, 2, "espnet#2", "nothing", *NONE),
    ("streets", "global", "one", 60.0, NAN, 59.0, 0.2, 30, "espnet#2", "nothing", *NONE),
]  # fmt: skip


@pytest.fixture
def ours() -> pd.DataFrame:
    return pd.DataFrame(ROWS, columns=list(COLUMNS))


def test_the_published_numbers_are_the_papers() -> None:
    table = published()
    assert list(table) == [*COLUMNS, "table"]
    full = table[table["discriminator"] == "multi-scale"].set_index("generator")
    assert full.loc["global + enhancer", ["pixel_accuracy", "mean_iou"]].tolist() == [83.78, 0.6389]
    # Each better than what it is compared with, as the paper says, and worse than photographs.
    best = table.sort_values("mean_iou")["generator"].tolist()
    assert best[-2:] == ["global + enhancer", "real"]
    gain = full["mean_iou"]["global + enhancer"] - full["mean_iou"]["U-Net"]
    assert gain == pytest.approx(0.2484)
    assert table["mean_iou_with_ignore"].isna().all() and table["fid"].isna().all()


def test_scores_are_read_as_they_were_written(tmp_path: Path, ours: pd.DataFrame) -> None:
    with pytest.raises(TableError, match="pix2pixhd_evaluate@heads has not run"):
        read_scores(tmp_path, "heads")
    ours[:2].to_csv(tmp_path / "scores.csv", index=False)
    table = read_scores(tmp_path, "heads")
    assert table["mean_iou"].tolist() == ["0.71234", "0.5"]
    assert table["discriminator"].tolist() == ["", "multi-scale"]
    with pytest.raises(TableError, match=r"with rows of cats; .* rows of \['heads'\]"):
        read_scores(tmp_path, "cats")
    ours[:2].drop(columns="judge").assign(jury="x").to_csv(tmp_path / "scores.csv", index=False)
    with pytest.raises(TableError, match=r"missing: \['judge'\], unknown: \['jury'\]"):
        read_scores(tmp_path, "heads")


def test_it_is_printed_domain_by_domain_above_the_published(ours: pd.DataFrame) -> None:
    text = as_text(ours)
    heads, streets = text.split("streets (judge: espnet#2)")
    assert "heads (judge: pixelnet-16@heads#1)" in heads
    assert (
        "  judge not independent: it also made the loss, and learned from the exemplars\n" in heads
    )
    assert "  judge independent: it had no part in making what it judges, and" in streets
    line = next(line for line in heads.splitlines() if "U-Net" in line)
    assert line.split() == ["U-Net", "multi-scale", "80.25", "0.5000", "79.00", "0.4900", "240"]
    together = heads.split("heads, all images together (features: deep means)")[1]
    lines = [line.split() for line in together.splitlines() if line]
    assert lines[0] == ["generator", "discriminator", "FID", "F8", "F1/8", "images"]
    assert lines[1] == ["U-Net", "multi-scale", "1.250", "0.750", "0.625", "240"]
    assert lines[2] == ["global", "one", "–", "0.500", "0.125", "240"]
    told = " ".join(together.split("published, Cityscapes")[0].split())
    assert told.count(FEW_IMAGES) == 1
    assert "FIDs" not in streets and "FIDs" not in as_text(ours.assign(fid=NAN))
    assert "photographs, lower is better" in text and "all images together" not in streets
    ours_, theirs = streets.split("published, Cityscapes (judge: PSPNet)")
    assert "60.00            –" in ours_
    assert (
        "global + enhancer   multi-scale            83.78       0.6389      500   1, 3, 5" in theirs
    )
    assert all(len(line) <= 100 for line in text.splitlines())
    assert all(heading in heads for heading in SCORES.values())


def test_what_differs_is_told_with_our_counts(ours: pd.DataFrame) -> None:
    told = {aspect: here for aspect, _, here in differences(ours)}
    assert (
        told["images judged"] == "synthesised, heads: 240; streets: 30; real, heads: 20; streets: 2"
    )
    assert told["judge"] == "pixelnet-16@heads#1, espnet#2"


def test_shown_has_the_papers_decimals() -> None:
    assert shown("mean_iou", 0.63894) == "0.6389"
    assert shown("pixel_accuracy_with_ignore", 83.777) == "83.78"
    assert shown("mean_iou", float("nan")) == "–"


def test_the_command_prints_it_under_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ours: pd.DataFrame
) -> None:
    monkeypatch.chdir(tmp_path)
    tables.FOLDER.mkdir(parents=True)
    ours.to_csv(tables.FOLDER / "pix2pixhd.csv", index=False)
    text = tables.show(["pix2pixhd"])
    assert text.startswith("reports/tables/pix2pixhd.csv\n\n")
    assert as_text(ours) in text
