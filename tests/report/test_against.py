"""Coherent against published: in whose favour an interval speaks, and how it is printed."""

from __future__ import annotations

import pandas as pd
import pytest

from exemplar.report.against import comparisons, favour, features_of
from exemplar.report.tables import COMPARISON, FEW_IMAGES
from exemplar.report.terminal import WIDTH, against_as_text


def table() -> pd.DataFrame:
    """As written: lower is better in the first two rows, higher in the next two."""
    rows = [
        ("mean", "12", "10.5", "-1.5", "-2.04", "-0.96"),
        ("seam", "3", "4.25", "1.25", "1", "1.5"),
        ("ap", "0.5", "0.625", "0.125", "0.0625", "0.1875"),
        ("diversity", "0.5", "0.375", "-0.125", "-0.2", "-0.05"),
        ("within_30", "90", "91", "1", "0", "2"),
        ("fid", "7.5", "5.25", "-2.25", "", ""),
        ("rmse", "", "", "", "", ""),
    ]
    frame = pd.DataFrame(
        rows, columns=["metric", "published", "coherent", "difference", "low", "high"]
    )
    frame = frame.assign(domain="pets", condition="edges", images="40", judge="net#1")
    return frame.loc[:, list(COMPARISON)]


FEATURES = {
    ("pets", "edges", "net#1", "fid"): "deep means of conv1_2",
    ("pets", "edges", "net#1", "diversity"): "pixels",
}


@pytest.mark.parametrize(
    ("metric", "low", "high", "whom"),
    [
        ("mean", -2, -1, "coherent"),
        ("mean", 1, 2, "published"),
        ("seam", -2, -1, "coherent"),
        ("ap", 1, 2, "coherent"),
        ("diversity", 1, 2, "coherent"),
        ("within_11_25", -2, -1, "published"),
        ("mean", -1, 2, ""),
        ("mean", -1, 0, ""),
        ("mean", 0, 0, ""),
        ("fid", "", "", ""),
        ("mean", "", 2, ""),
    ],
)
def test_an_interval_speaks_if_it_excludes_zero(metric, low, high, whom) -> None:
    assert favour({"metric": metric, "low": low, "high": high}) == whom


def test_numbers_are_shown_with_their_interval() -> None:
    [found] = comparisons(table(), FEATURES)
    assert (found.domain, found.condition, found.images) == ("pets", "edges", "40")
    shown = {d.metric: d for d in found.differences}
    assert list(shown) == ["Mean", "Seam energy", "AP", "Diversity", "30°", "FID"]
    mean = shown["Mean"]
    assert (mean.published.text, mean.coherent.text, mean.better) == ("12.0", "10.5", "↓")
    assert mean.difference.text == "−1.50"
    assert mean.interval is not None
    assert [(end.value, end.text) for end in mean.interval] == [
        ("-2.04", "−2.04"),
        ("-0.96", "−0.96"),
    ]
    assert shown["FID"].interval is None
    assert shown["FID"].by == "(features: deep means of conv1_2)"
    assert shown["Diversity"].by == "(features: pixels)"
    assert shown["AP"].difference.text == "+0.125"


def test_the_summary_names_every_metric_that_has_an_interval() -> None:
    [found] = comparisons(table(), FEATURES)
    assert found.summary == (
        "In favour of coherent: Mean, AP; in favour of published: Seam energy, Diversity; "
        "within noise: 30°."
    )
    assert comparisons(table()[5:6], FEATURES)[0].summary == ""


def test_features_are_those_of_the_scores() -> None:
    scores = pd.DataFrame(
        {
            "domain": ["pets", "pets"],
            "condition": "edges",
            "judge": "net#1",
            "fid_features": [None, "deep means"],
            "diversity_features": ["pixels", ""],
        }
    )
    assert features_of(scores) == {
        ("pets", "edges", "net#1", "fid"): "deep means",
        ("pets", "edges", "net#1", "diversity"): "pixels",
    }
    assert comparisons(table(), {})[0].differences[-1].by == "(features: not named)"


def test_the_terminal_prints_numbers_read_back(tmp_path) -> None:
    table().to_csv(tmp_path / "coherent.csv", index=False)
    text = against_as_text(pd.read_csv(tmp_path / "coherent.csv"), FEATURES)
    assert text == against_as_text(table(), FEATURES), "as text or as numbers"
    lines = text.splitlines()
    assert max(map(len, lines)) <= WIDTH
    assert lines[0] == "edges → image, pets, 40 images"
    row = next(line for line in lines if line.lstrip().startswith("Mean"))
    assert " ".join(row.split()) == "Mean ° ↓ 12.0 10.5 −1.50 −2.04 to −0.96 * coherent"
    place = next(i for i, line in enumerate(lines) if "FID" in line)
    assert lines[place].strip() == "FID (features: deep means of conv1_2)"
    assert lines[place + 1].split() == ["↓", "7.500", "5.250", "−2.250", "none"]
    assert FEW_IMAGES in " ".join(text.split())
    without = table()[table()["metric"] != "fid"]
    assert "FIDs" not in against_as_text(without, FEATURES)
    long = FEATURES | {("pets", "edges", "net#1", "fid"): "a network of a long name " * 7}
    lines = against_as_text(table(), long).splitlines()
    assert max(map(len, lines)) <= WIDTH
    assert sum("network" in line for line in lines) > 1
