from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from exemplar.report.glann_scores import over_seeds
from exemplar.report.glann_table import Facts, as_text, differences, warnings
from flows import tables
from tests.stages.glann_run import WARNING, scores


@pytest.fixture
def ours() -> pd.DataFrame:
    seeds = [scores("fashion", seed) for seed in (0, 1, 2)]
    return over_seeds(pd.concat([scores("digits", 0, WARNING), *seeds]))


def test_ours_and_the_published_stand_side_by_side(ours: pd.DataFrame) -> None:
    text = as_text(ours)
    lines = text.splitlines()
    assert max(map(len, lines)) <= 100
    line = next(line for line in lines if line.startswith("  GLANN  "))
    assert line.split() == [
        "GLANN", "11.50*", "11.60", "±", "0.10", "8.6", "±", "0.1", "13.0", "±", "0.1", "46.5", "±",
        "0.2", "46.3", "±", "0.1",
    ]  # fmt: skip
    above, names = lines[lines.index(line) - 3 : lines.index(line) - 1]
    assert above.split() == ["FID", "(classifier)", "FID,", "published"]
    assert names.split() == ["digits", "fashion", "MNIST", "Fashion", "CIFAR-10", "CelebA"]
    # A heading begins no further to the right than the first of its columns.
    starts = [(above.index(a), names.index(b)) for a, b in (("FID (", "digits"), ("FID,", "MNIST"))]
    assert all(heading <= column for heading, column in starts)
    assert above.index("FID,") > names.index("fashion")
    recall = text[text.index("F8: recall counts most") : text.index("F1/8: precision")]
    glann = next(line for line in recall.splitlines() if line.startswith("  GLANN"))
    assert glann.split()[-4:] == ["0.971", "0.985", "0.860", "0.574"]
    assert f"* digits: {WARNING}" in text


def test_columns_that_a_line_cannot_hold_follow_below() -> None:
    many = pd.concat([scores(f"a-data-set-{i}", seed) for i in range(7) for seed in (0, 1)])
    text = as_text(over_seeds(many))
    assert max(map(len, text.splitlines())) <= 100
    fid = text[: text.index("F8: recall")]
    heads = [line.split() for line in fid.splitlines() if "a-data-set" in line or "MNIST" in line]
    assert len(heads) > 1
    assert [name for head in heads for name in head] == [
        *(f"a-data-set-{i}" for i in range(7)), "MNIST", "Fashion", "CIFAR-10", "CelebA",
    ]  # fmt: skip
    # Rows without a number in these columns are left out.
    first = fid.split("a-data-set-0")[1].split("FID (classifier)")[0]
    assert "WGAN" not in first and "VAE, L1" in first


def test_a_warning_is_told_once_with_the_sets_it_is_about() -> None:
    both = pd.concat([scores("a", 0, WARNING), scores("b", 0, WARNING), scores("c", 0)])
    assert warnings(over_seeds(both)) == [f"a, b: {WARNING}"]


def test_what_differs_is_told_with_our_counts(ours: pd.DataFrame) -> None:
    told = {aspect: here for aspect, _, here in differences(ours)}
    assert told["data sets"] == "digits, fashion"
    assert told["features"] == "classifier#ab12"
    assert told["images compared"] == "9 with 6"
    assert told["training seeds"] == "digits: 1; fashion: 3"
    assert "epochs" not in told
    facts = {
        "digits": Facts(1200, (32, 32), "a net", "40 and 20"),
        "fashion": Facts(60_000, (28, 28), "a net", "40 and 20"),
    }
    told = {aspect: here for aspect, _, here in differences(ours, facts)}
    assert told["trained on"] == "digits: 1,200 images; fashion: 60,000 images"
    assert told["pixels"] == "digits: 32 × 32; fashion: 28 × 28"
    assert (told["perceptual loss"], told["epochs"]) == ("a net", "40 and 20")


def test_what_differs_is_said_rightly_of_the_papers_sets_and_vaes(ours: pd.DataFrame) -> None:
    facts = {"digits": Facts(1200, (32, 32), "a net", "40 and 20")}
    there = {aspect: paper for aspect, paper, _ in differences(ours, facts)}
    # Its section 4.2 names three sets of 50,000; CelebA's training split is larger.
    assert "50,000 each of MNIST, Fashion-MNIST and CIFAR-10;" in there["trained on"]
    assert "CelebA’s 162,770" in there["trained on"]
    told = " ".join(as_text(ours).split())
    assert "against its divergence: the paper, with L1, tuned by Lucic et al.; with" in told
    assert "here, weighed by calibration: the most likely scale of the reconstruction error" in told


def test_the_command_prints_it_as_it_was_stored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ours: pd.DataFrame
) -> None:
    monkeypatch.chdir(tmp_path)
    tables.FOLDER.mkdir(parents=True)
    ours.to_csv(tables.FOLDER / "glann.csv", index=False)
    text = tables.show(["glann"])
    assert text.startswith("reports/tables/glann.csv\n\n")
    assert as_text(ours) in text
