"""PASCAL3D+ from annotations written in its layout."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.io import savemat

from exemplar.data.image_pairs import PairsError
from exemplar.data.keypoint_pairs import keypoint_pairs
from exemplar.data.pascal3d import Pascal3dSettings

EMPTY = np.zeros((0, 0))


def anchors(**seen: tuple[float, float]) -> dict[str, Any]:
    """Three anchors; those that are not seen have another status and no place."""
    return {
        name: {"location": np.array([seen[name]]), "status": 1.0}
        if name in seen
        else {"location": EMPTY, "status": 2.0}
        for name in ("left", "right", "top")
    }


def thing(kind: str, box: tuple[int, ...], **seen: tuple[float, float]) -> dict[str, Any]:
    return {"class": kind, "bbox": np.array([box], float), "anchors": anchors(**seen)}


def write(root: Path, category: str, name: str, objects: list[dict[str, Any]]) -> None:
    folder = root / "Annotations" / f"{category}_pascal"
    folder.mkdir(parents=True, exist_ok=True)
    # MATLAB's array of structures; one alone is no array.
    rows = np.empty(len(objects), [(key, object) for key in ("class", "bbox", "anchors")])
    for place, one in enumerate(objects):
        rows[place] = (one["class"], one["bbox"], one["anchors"])
    record = {"filename": f"{name}.jpg", "objects": rows if len(objects) > 1 else objects[0]}
    savemat(folder / f"{name}.mat", {"record": record})


@pytest.fixture
def root(tmp_path: Path, save) -> Path:
    """Cars: one beside a boat, one that shows other points, and one that is too small."""
    root = tmp_path / "p"
    for name in ("a", "b", "c"):
        save(root / f"Images/car_pascal/{name}.jpg", ord(name), width=100, height=80)
    write(root, "car", "a", [
        thing("car", (11, 21, 60, 70), left=(12, 30), top=(40, 22)),
        thing("boat", (1, 1, 90, 70), left=(5, 5)),
    ])  # fmt: skip
    write(root, "car", "b", [thing("car", (31, 11, 90, 50), left=(35.5, 20), right=(80, 40))])
    write(root, "car", "c", [
        thing("car", (1, 1, 20, 20), left=(5, 5)),
        thing("car", (1, 1, 90, 70)),
    ])  # fmt: skip
    return root


def settings(root: Path, **values: Any) -> Pascal3dSettings:
    return Pascal3dSettings(root=root, **{"categories": ["car"], "pairs": 2, **values})


def test_objects_are_cut_out_with_the_points_that_both_show(root: Path) -> None:
    found = {pair.name: pair for pair in keypoint_pairs(settings(root, margin=0))}
    assert set(found) == {"a.0-b.0", "b.0-a.0"}
    pair = found["a.0-b.0"]
    assert (pair.category, pair.both_ways) == ("car", False)
    # Boxes and points count from 1 in the files.
    assert pair.a.shape == (51, 51, 3)
    assert pair.points_a.tolist() == [[9.0, 1.0]]
    assert pair.points_b.tolist() == [[9.0, 4.5]]


def test_a_margin_grows_the_cut_within_the_image(root: Path) -> None:
    wide = {p.name: p for p in keypoint_pairs(settings(root, margin=0.5))}["a.0-b.0"]
    assert wide.a.shape == (80, 85, 3)
    assert wide.points_a.tolist() == [[29.0, 11.0]]


def test_too_few_pairs_missing_folders_and_damage_are_told_together(root: Path) -> None:
    (root / "Annotations/car_pascal/d.mat").write_bytes(b"noise")
    (root / "Images/car_pascal/b.jpg").unlink()
    with pytest.raises(PairsError) as told:
        keypoint_pairs(settings(root, categories=["car", "sofa"], pairs=20))
    said = str(told.value)
    assert "4 things are wrong" in said
    assert "sofa_pascal: expected annotations NAME.mat, but there are none" in said
    assert "d.mat: expected an annotation of PASCAL3D+" in said
    assert "car: expected 20 pairs of objects with 1 common keypoints at least, got 2" in said
    assert "b.jpg: expected an image" in said


def test_more_common_points_can_be_asked_for(root: Path) -> None:
    with pytest.raises(PairsError, match="2 common keypoints at least, got 0"):
        keypoint_pairs(settings(root, common=2))


def test_categories_are_those_of_the_data_set(root: Path) -> None:
    assert len(Pascal3dSettings(root=root).categories) == 12
    with pytest.raises(ValueError, match="categories"):
        Pascal3dSettings(root=root, categories=["cow"])
