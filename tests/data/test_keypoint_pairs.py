from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.io import savemat

from exemplar.data.image_pairs import PairsError
from exemplar.data.keypoint_pairs import PfWillowSettings, keypoint_pairs


@pytest.fixture
def root(tmp_path: Path, save) -> Path:
    """Two categories of three and two images."""
    draw = np.random.default_rng(0)
    for category, count in (("car(G)", 3), ("duck(S)", 2)):
        for number in range(count):
            save(tmp_path / f"w/{category}/{number}.png", number)
            points = np.stack([draw.uniform(1, 40, 5), draw.uniform(1, 30, 5)])
            savemat(tmp_path / f"w/{category}/{number}.mat", {"pts_coord": points})
    return tmp_path / "w"


def test_every_two_images_of_a_category_make_a_pair(root: Path, colours) -> None:
    found = keypoint_pairs(PfWillowSettings(root=root))
    assert [(p.category, p.name) for p in found] == [
        ("car(G)", "0-1"), ("car(G)", "0-2"), ("car(G)", "1-2"), ("duck(S)", "0-1"),
    ]  # fmt: skip
    assert all(pair.both_ways for pair in found)
    assert (found[1].b_prime == colours(2)).all()


def test_coordinates_count_from_one_and_rows_come_first(root: Path) -> None:
    savemat(root / "duck(S)/0.mat", {"pts_coord": np.array([[1.0, 40.0], [30.0, 2.5]])})
    savemat(root / "duck(S)/1.mat", {"pts_coord": np.array([[2.0, 3.0], [4.0, 5.0]])})
    pair = keypoint_pairs(PfWillowSettings(root=root, only=["duck(S)"]))[0]
    assert pair.points_a.tolist() == [[29.0, 0.0], [1.5, 39.0]]
    assert pair.points_b.tolist() == [[3.0, 1.0], [4.0, 2.0]]


def test_pairs_and_categories_are_chosen(root: Path) -> None:
    few = keypoint_pairs(PfWillowSettings(root=root, pairs=1))
    assert [pair.category for pair in few] == ["car(G)", "duck(S)"]
    assert few[0].name == keypoint_pairs(PfWillowSettings(root=root, pairs=1))[0].name
    others = {
        keypoint_pairs(PfWillowSettings(root=root, pairs=1, seed=s))[0].name for s in range(9)
    }
    assert len(others) > 1
    assert {p.category for p in keypoint_pairs(PfWillowSettings(root=root, only=["d*"]))} == {
        "duck(S)"
    }
    with pytest.raises(PairsError, match=r"no category is called 'cow'; there are car\(G\), duck"):
        keypoint_pairs(PfWillowSettings(root=root, only=["duck(S)", "cow"]))


def test_all_that_is_wrong_is_told_at_once(root: Path) -> None:
    (root / "car(G)/0.png").unlink()
    (root / "car(G)/1.mat").write_bytes(b"no matrix")
    savemat(root / "car(G)/2.mat", {"other": np.zeros((2, 5))})
    savemat(root / "duck(S)/0.mat", {"pts_coord": np.full((2, 5), 77.0)})
    with pytest.raises(PairsError) as told:
        keypoint_pairs(PfWillowSettings(root=root))
    said = str(told.value)
    assert "4 things are wrong" in said
    assert "0.png: expected an image, but there is no such file" in said
    assert "1.mat: expected a MATLAB file with pts_coord" in said
    assert "2.mat: expected a MATLAB file with pts_coord" in said
    assert "keypoints within the image of 40×30, got x 77.0 to 77.0, y 77.0 to 77.0" in said


def test_annotations_of_other_shapes_are_told(root: Path) -> None:
    savemat(root / "car(G)/0.mat", {"pts_coord": np.ones((5, 2))})
    savemat(root / "duck(S)/1.mat", {"pts_coord": np.ones((2, 4))})
    with pytest.raises(PairsError) as told:
        keypoint_pairs(PfWillowSettings(root=root))
    assert "expected pts_coord (2, K), x and y, got (5, 2)" in str(told.value)
    assert "1.mat: expected 5 keypoints, as those before, got 4" in str(told.value)
    with pytest.raises(PairsError, match="a folder for each category"):
        keypoint_pairs(PfWillowSettings(root=root / "absent"))


def test_the_real_set_is_whole(shared: Path) -> None:
    found = keypoint_pairs(PfWillowSettings(root=shared / "data/pf-willow"))
    assert len(found) == 450  # each both ways: 900
    assert len({pair.category for pair in found}) == 10
    assert all(pair.points_a.shape == pair.points_b.shape == (10, 2) for pair in found)
