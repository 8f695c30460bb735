from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy.ndimage import map_coordinates

from exemplar.data.flow_pairs import MiddleburySettings, flow_pairs
from exemplar.data.image_pairs import PairsError
from exemplar.store.flow import field_of, write_flow


@pytest.fixture
def root(tmp_path: Path, save) -> Path:
    """Two scenes, one with a packed flow, one with a plain one."""
    for place, name in enumerate(("Venus", "Army")):
        for frame in (10, 11):
            save(tmp_path / f"m/other-data/{name}/frame{frame}.png", 2 * place + frame)
        suffix = ".xz" if place else ""
        write_flow(
            tmp_path / f"m/other-gt-flow/{name}/flow10.flo{suffix}", np.full((30, 40, 2), place)
        )
    return tmp_path / "m"


def test_scenes_are_read_by_name_with_their_flow(root: Path, colours) -> None:
    found = flow_pairs(MiddleburySettings(root=root))
    assert [pair.name for pair in found] == ["Army", "Venus"]
    assert [pair.flow[0, 0, 0] for pair in found] == [1, 0]
    assert (found[1].a == colours(10)).all()
    assert (found[1].b_prime == colours(11)).all()
    assert found[0].surfaces is None
    assert MiddleburySettings(root=root).analogy["strength"] == "aligned"


def test_the_published_archives_may_lie_in_folders_of_their_own(root: Path, save) -> None:
    (root / "other-color-twoframes").mkdir()
    (root / "other-data").rename(root / "other-color-twoframes/other-data")
    (root / "gt").mkdir()
    (root / "other-gt-flow").rename(root / "gt/other-gt-flow")
    (root / "gt").rename(root / "other-gt-flow")
    for frame in (10, 11):  # of the evaluation's scenes no flow is published
        save(root / f"eval-color-twoframes/eval-data/Mequon/frame{frame}.png")
    found = flow_pairs(MiddleburySettings(root=root))
    assert [(p.name, p.flow is not None) for p in found] == [
        ("Army", True), ("Mequon", False), ("Venus", True),
    ]  # fmt: skip


def test_scenes_are_chosen_by_globs(root: Path) -> None:
    assert [p.name for p in flow_pairs(MiddleburySettings(root=root, only=["V*"]))] == ["Venus"]
    with pytest.raises(PairsError, match="no scene is called 'X'; there are Army, Venus"):
        flow_pairs(MiddleburySettings(root=root, only=["Venus", "X"]))


def test_all_that_is_wrong_is_told_at_once(root: Path, save) -> None:
    (root / "other-data/Venus/frame11.png").unlink()
    write_flow(root / "other-gt-flow/Army/flow10.flo.xz", np.zeros((30, 41, 2)))
    save(root / "other-data/Walking/frame10.png", width=40)
    save(root / "other-data/Walking/frame11.png", width=44)
    (root / "other-data/Empty").mkdir()
    write_flow(root / "other-gt-flow/Unknown/flow10.flo", np.full((30, 40, 2), np.nan))
    for frame in (10, 11):
        save(root / f"other-data/Unknown/frame{frame}.png")
    with pytest.raises(PairsError) as told:
        flow_pairs(MiddleburySettings(root=root))
    said = str(told.value)
    assert f"{root}: 6 things are wrong" in said
    assert "Venus/frame11.png: expected an image, but there is no such file" in said
    assert "expected the size of its image, 40 × 30 pixels, got 41 × 30" in said
    assert "Walking: expected two frames of one size, got 40×30 and 44×30" in said
    assert "Empty/frame10.png" in said
    assert "known somewhere, got none" in said
    assert "params.yaml" in said


def test_a_root_without_scenes_is_told(tmp_path: Path) -> None:
    with pytest.raises(PairsError, match="frame10.png and frame11.png, below other-data or eval"):
        flow_pairs(MiddleburySettings(root=tmp_path / "absent"))


def test_frames_may_be_grey(root: Path) -> None:
    for frame in (10, 11):
        Image.new("L", (40, 30), 9).save(root / f"other-data/Venus/frame{frame}.png")
    assert flow_pairs(MiddleburySettings(root=root))[1].a.shape == (30, 40, 3)


def test_real_flow_leads_from_the_first_frame_to_the_second(shared: Path) -> None:
    settings = MiddleburySettings(root=shared / "data/middlebury", only=["RubberWhale", "Venus"])
    for pair in flow_pairs(settings):
        known = ~np.isnan(pair.flow).any(-1)
        places = np.nan_to_num(field_of(pair.flow)).transpose(2, 0, 1)
        there = [
            map_coordinates(pair.b_prime[..., c].astype(float), places, order=1, mode="nearest")
            for c in range(3)
        ]
        warped = np.abs(np.stack(there, -1) - pair.a)[known].mean()
        still = np.abs(pair.b_prime.astype(float) - pair.a)[known].mean()
        assert warped < still / 2
