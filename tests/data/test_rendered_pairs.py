from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from exemplar.data.flow_pairs import flow_pairs
from exemplar.data.image_pairs import PairsError
from exemplar.data.keypoint_pairs import RenderedKeypointsSettings, keypoint_pairs
from exemplar.data.rendered_pairs import (
    RenderedPairsSettings,
    head_pairs,
    spread_points,
    true_places,
)
from exemplar.store import layout
from exemplar.store.arrays import array, open_group, write_group
from exemplar.store.files import remove
from exemplar.store.items import write_items

SIDE = 12


def surface(seed: int, shift: int) -> np.ndarray:
    """A plane seen from the front, moved to the right, on a ground of NaN."""
    found = np.full((SIDE, SIDE, 3), np.nan, np.float16)
    grid = np.stack(np.meshgrid(np.arange(6), np.arange(6), indexing="ij"), -1) / 10
    found[3:9, 2 + shift : 8 + shift, :2] = grid
    found[3:9, 2 + shift : 8 + shift, 2] = 0
    return found


@pytest.fixture
def domain(tmp_path):
    """Six test images of which one has two heads, after two of training."""
    count = 8
    draw = np.random.default_rng(0)
    instances = np.ones((count, SIDE, SIDE), np.uint16)
    instances[:, 0] = 0
    instances[4, 6] = 2
    layout.images("rendered").parent.mkdir(parents=True)
    write_group(
        layout.images("rendered"),
        {
            "image": draw.integers(0, 256, (count, SIDE, SIDE, 3), np.uint8),
            "surface": np.stack([surface(i, i % 4) for i in range(count)]),
            "instances": instances,
        },
    )
    splits = ["train"] * 2 + ["test"] * 6
    table = {"id": [f"r-{i}" for i in range(count)], "split": splits, "category": "", "source": "",
             "sha256": "", "licence": "", "width": SIDE, "height": SIDE}  # fmt: skip
    write_items(layout.items("rendered"), pd.DataFrame(table))


def pairs(**settings) -> list[str]:
    given = RenderedPairsSettings(**settings)
    found = head_pairs(given, layout.images("rendered"), layout.items("rendered"))
    return [pair.name for pair in found]


def test_the_heads_most_alike_in_pose_are_paired(domain) -> None:
    """Rows 2, 3, 5, 6 and 7 are moved by 2, 3, 1, 2 and 3 pixels: 2 and 6, 3 and 7 lie alike."""
    assert pairs(pairs=2) == ["2-6", "3-7"]
    everything = pairs(pairs=20)
    assert everything[:2] == ["2-6", "3-7"]
    assert len(set(everything)) == 20


@pytest.mark.parametrize("choose", ["alike", "random"])
def test_pairs_are_of_single_heads_of_the_test_split_each_used_once(domain, choose) -> None:
    names = pairs(pairs=2, choose=choose)
    rows = [int(row) for name in names for row in name.split("-")]
    assert set(rows) < {2, 3, 5, 6, 7}  # 4 has two heads
    assert len(set(rows)) == 4
    assert pairs(pairs=2, choose=choose) == names
    assert (pairs(pairs=2, choose=choose, seed=1) == names) == (choose == "alike")
    everything = pairs(pairs=20, choose=choose)
    assert len(set(everything)) == 20
    assert all(a != b for a, b in (name.split("-") for name in everything))


def test_too_few_heads_are_told(domain) -> None:
    with pytest.raises(PairsError, match="expected at most 20 pairs, which 5 single heads"):
        pairs(pairs=21)


def test_the_true_flow_is_how_the_surface_moved(domain) -> None:
    found = flow_pairs(RenderedPairsSettings(pairs=20))
    for pair in found:
        a, b = (int(row) for row in pair.name.split("-"))
        known = ~np.isnan(pair.flow).any(-1)
        assert known.sum() == 36
        assert (pair.flow[known] == [b % 4 - a % 4, 0]).all()
        assert (known == ~np.isnan(pair.surfaces[0]).any(-1)).all()


def test_places_equal_a_loop_and_what_is_hidden_has_none() -> None:
    draw = np.random.default_rng(3)
    a, b = draw.random((2, 7, 8, 3)).astype(np.float32)
    a[draw.random((7, 8)) < 0.3] = np.nan
    b[draw.random((7, 8)) < 0.3] = np.nan
    found = true_places(a, b, 0.25)
    hidden = 0
    for row, column in np.ndindex(7, 8):
        distance = np.linalg.norm(b - a[row, column], axis=-1)
        if np.isnan(a[row, column, 0]) or np.nanmin(distance) > 0.25:
            hidden += not np.isnan(a[row, column, 0])
            assert np.isnan(found[row, column]).all()
        else:
            best = np.unravel_index(np.nanargmin(distance), distance.shape)
            assert tuple(found[row, column]) == best
    assert hidden > 0
    assert np.isnan(true_places(a, b * np.nan, 9)).all()


def test_points_lie_apart_and_belong_together(domain) -> None:
    place = np.full((10, 10, 2), np.nan)
    place[2:8, 1:9] = np.stack(np.meshgrid(np.arange(6), np.arange(8), indexing="ij"), -1)
    points, there = spread_points(place, 5, np.random.default_rng(0))
    assert len(points) == 5
    assert (points - there == [2, 1]).all()
    apart = np.linalg.norm(points[:, None] - points[None], axis=-1) + 99 * np.eye(5)
    assert apart.min() >= 3
    every, _ = spread_points(place, 500, np.random.default_rng(0))
    assert len({tuple(p) for p in every}) == len(every) == 48
    assert len(spread_points(place * np.nan, 5, np.random.default_rng(0))[0]) == 0
    found = keypoint_pairs(RenderedKeypointsSettings(pairs=3, points=4))
    for pair in found:
        a, b = (int(row) for row in pair.name.split("-"))
        assert pair.category == "heads" and pair.both_ways
        assert (pair.points_b - pair.points_a == [0, b % 4 - a % 4]).all()


def test_heads_without_a_common_point_make_no_pairs(domain) -> None:
    path = layout.images("rendered")
    arrays = {name: array(open_group(path, name), name)[:] for name in ("image", "instances")}
    apart = np.stack([surface(0, 0) + 3 * i for i in range(8)])
    remove(path)
    write_group(path, {**arrays, "surface": apart})
    with pytest.raises(PairsError, match="no two of the pairs' heads show the same points"):
        keypoint_pairs(RenderedKeypointsSettings(pairs=2))
    assert flow_pairs(RenderedPairsSettings(pairs=1))[0].flow is None
