from __future__ import annotations

import pandas as pd

from exemplar.report.published import DomainFacts, comparison, differences, published_table
from exemplar.report.tables import METRICS

OURS = pd.DataFrame(
    {
        "domain": "rendered",
        "condition": "edges",
        "method": ["regressor", "pix2pix", "pixelnn", "coherent"],
        "selection": ["single", "rand-1", "rand-1", "distinct few"],
        "images": [40.0, 40.0, 40.0, 40.0],
        "candidates": [1.0, 50.0, 72.0, 8.0],
        "judge": ["estimators@rendered", "estimators@rendered", "", ""],
    }
)


def row(condition: str, domain: str, method: str, selection: str) -> list[float]:
    table = published_table("pixelnn")
    assert table is not None
    keys = [domain, condition, method, selection]
    found = [
        line
        for line in table.to_dict("records")
        if [line[k] for k in ("domain", "condition", "method", "selection")] == keys
    ]
    assert len(found) == 1
    return [found[0][metric] for metric in METRICS]


def test_numbers_of_table_1() -> None:
    assert row("normals", "human faces", "pixelnn", "oracle") == [
        10.8, 8.7, 13.5, 63.7, 91.6, 96.7, 0.42,
    ]  # fmt: skip
    assert row("edges", "cats and dogs", "pix2pix", "single") == [
        18.2, 16.0, 21.8, 32.4, 71.0, 85.1, 0.78,
    ]  # fmt: skip


def test_all_rows_are_there_and_say_who_judged() -> None:
    table = published_table("pixelnn")
    assert table is not None
    assert len(table) == 16
    assert set(table["judge"]) == {"PixelNet"}
    assert set(table["candidates"]) == {72}
    images = set(zip(table["domain"], table["images"].fillna(0), strict=True))
    assert images == {("cats and dogs", 686), ("human faces", 0)}


def test_a_table_that_nobody_published() -> None:
    assert published_table("nothing") is None
    assert comparison("nothing", OURS) == []


def test_differences_name_data_judge_and_candidates() -> None:
    facts = {"rendered": DomainFacts(1360, (96, 96), "f of width 16", "conv3_3 of a net", "G")}
    found = {aspect: here for aspect, _, here in comparison("pixelnn", OURS, facts)}
    assert found["data set"] == "rendered"
    assert found["training images"] == "rendered: 1,360"
    assert found["test images"] == "rendered: 40"
    assert found["resolution"] == "96 × 96"
    assert found["regressor"] == "f of width 16"
    assert found["Pix-to-Pix"] == "G"
    assert "Pix-to-Pix" in found["methods"]
    assert found["descriptors"] == "conv3_3 of a net"
    assert found["candidates for an input"] == "rendered: 50 or 72", "not of the few"
    assert found["judge"] == "estimators@rendered, run in the same way"
    assert "judge: the paper, an off-the-shelf PixelNet" in " ".join(differences("pixelnn", OURS))
