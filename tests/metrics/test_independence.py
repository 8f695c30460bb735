"""What a judge shares with what it judges is found by the networks' names alone."""

from __future__ import annotations

import pytest

from exemplar.metrics.independence import most_independent, shared, verdict

ESTIMATORS, JUDGE, EDGES = "pixelnet-16@rendered#0a1b", "pixelnet-16@strangers#2c3d", "hed#4e5f"
MADE = {
    "input": f"{ESTIMATORS}",
    "descriptors": "vgg19_small#77aa",
    "ranking": f"normals {ESTIMATORS}, edges {EDGES}",
}


def test_every_network_of_a_judge_counts() -> None:
    assert shared(ESTIMATORS, MADE, "pets") == "input, ranking"
    assert shared(ESTIMATORS, MADE, "rendered") == "input, ranking, exemplars"
    assert shared(JUDGE, MADE, "pets") == "nothing"
    # Its normals are its own, its edges are those by which candidates are ranked.
    assert shared(f"normals {JUDGE}, edges {EDGES}", MADE, "pets") == "ranking"
    given = {"input": "given with the images", "descriptors": ""}
    assert shared(ESTIMATORS, given, "pets") == "nothing"
    assert shared("pixelnet-16@pets-2#0a1b", given, "pets") == "nothing"


def test_other_weights_are_another_network() -> None:
    assert shared("pixelnet-16@rendered#0a1c", MADE, "pets") == "nothing"
    assert shared("pixelnet-16@rendered#0a1b9", MADE, "pets") == "nothing"


def test_a_judge_without_a_name_is_refused() -> None:
    with pytest.raises(ValueError, match="a hash of its weights, got 'somebody'"):
        shared("somebody", MADE, "pets")


def test_those_that_made_least_come_first() -> None:
    shares = ["exemplars", "input, descriptors", "nothing", "nothing", "ranking, exemplars"]
    assert most_independent(shares) == [2, 3, 0, 4, 1]


def test_verdicts() -> None:
    assert verdict("exemplars").startswith("independent: ")
    assert verdict("exemplars").endswith("and learned from the exemplars")
    assert verdict("input, ranking") == (
        "not independent: it also made the input and the ranking, and learned from other images"
    )
