"""`exemplar tables`: which text each table is printed as."""

from __future__ import annotations

import pandas as pd
import pytest

from exemplar.report.published import published_table
from flows import tables


@pytest.fixture
def made(tmp_path, monkeypatch):
    """Both tables, as the stage `report` leaves them."""
    monkeypatch.chdir(tmp_path)
    tables.FOLDER.mkdir(parents=True)
    theirs = published_table("pixelnn")
    assert theirs is not None
    theirs = theirs.assign(fid_features="")
    theirs.loc[0, "fid_features"] = "deep means"
    theirs.to_csv(tables.FOLDER / "pixelnn.csv", index=False)
    pd.DataFrame(
        {
            "domain": "human faces",
            "condition": "normals",
            "judge": theirs.loc[0, "judge"],
            "metric": ["mean", "fid"],
            "published": [12.0, 7.0],
            "coherent": [11.0, 5.0],
            "difference": [-1.0, -2.0],
            "low": [-1.5, None],
            "high": [-0.5, None],
            "images": 40,
        }
    ).to_csv(tables.FOLDER / "coherent.csv", index=False)


def test_each_table_is_printed_under_its_name(made):
    text = tables.show(["coherent", "pixelnn"])
    first, second = text.split("reports/tables/pixelnn.csv")
    assert first.startswith("reports/tables/coherent.csv\n")
    assert "−1.50 to −0.50   * coherent" in first
    assert "published, human faces" not in first
    assert "published, human faces" in second


def test_features_are_named_from_the_table_of_scores(made):
    assert "FID (features: deep means)" in tables.show(["coherent"])
