"""Scores of layouts: what a judge sees, distances to the source, the truth, and all together."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from exemplar.methods.semantic_analogy.evaluation import (
    ALL,
    COPY,
    MEASURES,
    PHOTOGRAPH,
    SHARED,
    method_rows,
    reference_rows,
)
from exemplar.metrics.patch_coherence import patch_distance
from tests.methods.semantic_analogy.labelled import COLOURS, given, labels_of


class NearestColour:
    """A judge that sees the class whose colour a pixel has; it knows one that the source has not
    and not the ground."""

    identity = "nearest colour"
    classes = ("roof", "door", "wall")

    def __call__(self, images: torch.Tensor) -> torch.Tensor:
        colours = torch.from_numpy(COLOURS[[3, 2, 1]]) / 255
        apart = (images[:, None] - colours[None, :, :, None, None]).abs().sum(2)
        return apart.argmin(1).to(torch.uint8)


@pytest.fixture
def house():
    return given({"other": labels_of(1), "same": labels_of(0)})


def by_target(rows: list[dict]) -> dict[str, dict]:
    return {row["target"]: row for row in rows}


def test_the_truth_scores_best_in_everything(house) -> None:
    made = {target.name: target.truth for target in house.targets}
    rows = by_target(method_rows(house, "m", made, NearestColour()))
    assert list(rows) == ["identity", "other", "same", ALL]
    for row in rows.values():
        assert set(row) == {"method", "target", "targets", *MEASURES}
        # Of classes that the judge does not know, such as the ground, pixels are ignored.
        assert row["pixel_accuracy"] == row["mean_iou"] == 100
    assert rows["identity"]["patch_distance"] == 0
    assert rows["identity"]["identity_psnr"] == rows[ALL]["identity_psnr"] == np.inf
    assert rows["other"]["psnr_to_truth"] == np.inf
    assert np.isnan(rows["identity"]["psnr_to_truth"])
    assert rows[ALL]["targets"] == 2
    # A door elsewhere: what is far from both is as it was.
    assert rows["other"]["unchanged_psnr"] == np.inf


def test_the_source_unchanged_is_coherent_but_in_the_wrong_places(house) -> None:
    rows = by_target([r for r in reference_rows(house, NearestColour()) if r["method"] == COPY])
    other = rows["other"]
    assert other["patch_distance_any"] == other["completeness"] == 0
    assert other["patch_distance"] == patch_distance(
        house.source.image, house.source.image, (labels_of(1), labels_of(0))
    )
    assert other["patch_distance"] > 1 and other["unchanged_psnr"] == np.inf
    assert other["mean_iou"] < 60
    assert rows["same"]["mean_iou"] == 100


def test_all_together_counts_pixels_not_images(house) -> None:
    made = {target.name: house.source.image for target in house.targets}
    rows = by_target(method_rows(house, "m", made, NearestColour()))
    pixels = (labels_of(0) > 0).sum()
    missed = 2 * (labels_of(0) == 2).sum()  # the door that is there, and that which should be
    assert rows["other"]["pixel_accuracy"] == pytest.approx(100 * (1 - missed / pixels))
    assert rows[ALL]["pixel_accuracy"] == pytest.approx(100 * (1 - missed / (2 * pixels)))
    door, wall = (labels_of(0) == 2).sum(), (labels_of(0) == 1).sum()
    ious = [door / (3 * door), (2 * wall - door) / (2 * wall + door)]
    assert rows[ALL]["mean_iou"] == pytest.approx(100 * np.mean(ious))
    means = [rows[name]["patch_distance"] for name in ("other", "same")]
    assert rows[ALL]["patch_distance"] == pytest.approx(np.mean(means))


def test_photographs_are_judged_where_there_are_any(house) -> None:
    house = house._replace(targets=(*house.targets[:2], house.targets[2]._replace(photograph=None)))
    rows = by_target(
        [r for r in reference_rows(house, NearestColour()) if r["method"] == PHOTOGRAPH]
    )
    assert list(rows) == ["other", SHARED, ALL] and rows[ALL]["targets"] == 1
    assert rows[ALL]["mean_iou"] == 100 and np.isnan(rows[ALL]["identity_psnr"])


def test_where_some_targets_lack_a_photograph_all_that_have_one_are_together() -> None:
    house = given({"other": labels_of(1), "same": labels_of(0), "third": labels_of(1)})
    house = house._replace(targets=(*house.targets[:3], house.targets[3]._replace(photograph=None)))
    made = {target.name: house.source.image for target in house.targets}
    rows = by_target(method_rows(house, "m", made, NearestColour()))
    assert list(rows) == ["identity", "other", "same", "third", SHARED, ALL]
    assert rows[SHARED]["targets"] == 2 and rows[ALL]["targets"] == 3
    # The same as if there were only these.
    del made["third"]
    few = by_target(method_rows(house, "m", made, NearestColour()))[ALL]
    assert few == pytest.approx(rows[SHARED] | {"target": ALL}, nan_ok=True)
    assert rows[SHARED]["mean_iou"] > rows[ALL]["mean_iou"]


def test_some_targets_alone_and_the_identity_alone(house) -> None:
    rows = method_rows(house, "m", {"other": house.targets[1].truth}, NearestColour(), False)
    assert [row["target"] for row in rows] == ["other", ALL]
    assert np.isnan(rows[0]["completeness"]) and np.isnan(rows[0]["patch_distance_any"])
    assert rows[0]["patch_distance"] > 0
    alone = method_rows(house, "m", {"identity": house.source.image}, NearestColour())
    assert [row["target"] for row in alone] == ["identity", ALL]
    assert alone[1]["targets"] == 1 and alone[1]["mean_iou"] == 100
    assert method_rows(house, "m", {}, NearestColour()) == []
