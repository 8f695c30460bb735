"""Label maps edited: closed forms, naive references, and what users write."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from exemplar.labels.edits import (
    filled,
    moved,
    numbered_regions,
    removed,
    resized,
)
from exemplar.labels.palette import Palette
from exemplar.labels.wishes import WishError, edited, target_name

GROUND = np.repeat(np.array([[0] * 12, [1] * 12], np.uint8), 4, 0)
"""Sky above, grass below; 8 × 12."""

PALETTE = Palette(
    ("sky", "grass", "dog"), np.array([[1, 1, 255], [9, 99, 9], [99, 9, 9]], np.uint8), (0, 5, 7)
)


def scene(top: int = 3, left: int = 2, height: int = 2, width: int = 3) -> np.ndarray:
    labels = GROUND.copy()
    labels[top : top + height, left : left + width] = 2
    return labels


def test_moving_equals_drawing_elsewhere() -> None:
    labels = scene()
    made = moved(labels, labels == 2, (1, 5))
    assert (made == scene(4, 7)).all()
    assert (labels == scene()).all()  # the given one is not changed
    assert (moved(labels, labels == 2, (0, -3))[3:5, 0:2] == 2).all()
    assert (moved(labels, labels == 2, (0, 0)) == labels).all()


def test_resizing_about_the_middle() -> None:
    labels = scene(2, 3, 4, 4)
    assert (resized(labels, labels == 2, 0.5) == scene(3, 4, 2, 2)).all()
    assert (resized(scene(3, 4, 2, 2), scene(3, 4, 2, 2) == 2, 2) == labels).all()
    assert (resized(labels, labels == 2, 1) == labels).all()
    full = resized(labels, labels == 2, 100)
    assert (full == 2).all()


def test_removing_takes_the_class_around_or_the_one_that_is_named() -> None:
    labels = scene()
    assert (removed(labels, labels == 2) == GROUND).all()
    assert (removed(labels, labels == 2, 1)[3, 2:5] == 1).all()
    # Another region of the class is not what is around.
    two = labels.copy()
    two[3:5, 5:7] = 2
    one = np.zeros(two.shape, bool)
    one[3:5, 2:5] = True
    made = removed(two, one)
    assert (made[3:5, 5:7] == 2).all() and (made[3:5, 2:5] == GROUND[3:5, 2:5]).all()


@given(arrays(np.uint8, (6, 7), elements=st.integers(0, 3)), st.data())
def test_holes_have_the_class_of_a_nearest_pixel(labels: np.ndarray, data: st.DataObject) -> None:
    holes = data.draw(arrays(np.bool_, (6, 7)).filter(lambda holes: not holes.all()))
    made = filled(labels, holes, ~holes)
    assert (made[~holes] == labels[~holes]).all()
    known = np.argwhere(~holes)
    for y, x in np.argwhere(holes):
        apart = ((known - (y, x)) ** 2).sum(1)
        nearest = {int(labels[tuple(k)]) for k in known[apart == apart.min()]}
        assert int(made[y, x]) in nearest


@given(arrays(np.uint8, (6, 7), elements=st.integers(0, 2)), st.integers(-7, 7), st.integers(-8, 8))
def test_moved_pixels_are_where_they_should_be(labels: np.ndarray, down: int, right: int) -> None:
    region = labels == 1
    if not region.any() or region.all():
        return
    there = [(y + down, x + right) for y, x in np.argwhere(region)]
    inside = {(y, x) for y, x in there if 0 <= y < 6 and 0 <= x < 7}
    if not inside:
        with pytest.raises(ValueError, match="nothing of the region is left"):
            moved(labels, region, (down, right))
        return
    made = moved(labels, region, (down, right))
    wanted = set(map(tuple, np.argwhere(region).tolist())) if (down, right) == (0, 0) else inside
    assert set(map(tuple, np.argwhere(made == 1).tolist())) == wanted
    untouched = ~region & (made != 1)
    assert (made[untouched] == labels[untouched]).all()


def test_regions_come_by_size_and_touch_at_corners() -> None:
    labels = np.zeros((6, 9), np.uint8)
    labels[0, 0] = labels[1, 1] = 1
    labels[3:6, 3:6] = 1
    labels[0, 8] = 1
    numbers, sizes = numbered_regions(labels, 1)
    assert sizes.tolist() == [9, 2, 1]
    assert [int((numbers == number).sum()) for number in range(4)] == [54 - 12, 9, 2, 1]
    assert numbers[0, 0] == numbers[1, 1] == 2 and numbers[0, 8] == 3
    assert len(numbered_regions(labels, 5)[1]) == 0


def test_a_map_of_specks_needs_no_mask_for_each() -> None:
    labels = np.zeros((600, 600), np.uint8)
    labels[::2, ::2] = 2
    labels[:2, :2] = 2
    tracemalloc.start()
    made = edited(labels, PALETTE, "remove:dog@1")
    edited(labels, PALETTE, "remove:dog")
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (made[:3, :3] == 0).all() and made[4, 4] == 2
    assert most < 300 * labels.size  # 90,000 regions


def test_what_cannot_be_edited_is_told() -> None:
    labels = scene()
    whole = np.ones(labels.shape, bool)
    with pytest.raises(ValueError, match="the region is the whole map"):
        removed(labels, whole)
    with pytest.raises(ValueError, match="has no pixel"):
        moved(labels, ~whole, (1, 1))
    with pytest.raises(ValueError, match=r"expected a region of booleans \(8, 12\)"):
        resized(labels, labels, 2)
    with pytest.raises(ValueError, match="expected a factor above 0, got -1"):
        resized(labels, labels == 2, -1)


def test_wishes_are_edits() -> None:
    labels = scene()
    assert (edited(labels, PALETTE, "move:dog:5,1") == scene(4, 7)).all()
    assert (edited(labels, PALETTE, "move:7:25%,12.5%") == scene(4, 5)).all()
    assert (edited(labels, PALETTE, "remove:#630909") == GROUND).all()
    assert (edited(labels, PALETTE, "remove:Dog:grass")[3, 2:5] == 1).all()
    low = scene(5, 1, 1, 2)
    assert (edited(low, PALETTE, "move:dog:5,1; move:dog:-5,-1") == low).all()
    assert (edited(scene(2, 3, 4, 4), PALETTE, "resize:dog:.5") == scene(3, 4, 2, 2)).all()
    two = labels.copy()
    two[0, 11] = 2
    assert (edited(two, PALETTE, "remove:dog@2") == labels).all()
    assert (edited(two, PALETTE, "remove:dog@1") == np.where(labels == 2, GROUND, two)).all()
    both = edited(two, PALETTE, "move:dog@1+dog@2:-1,0")
    assert both[0, 10] == 2 and both[0, 11] == 0 and (both[3:5, 1:4] == 2).all()
    assert (edited(two, PALETTE, "remove:dog@1+dog@2:sky") == np.where(two == 2, 0, two)).all()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("shift:dog:1,1", "expected move:CLASS:dx,dy, resize:CLASS:factor or remove"),
        ("move:dog:3", "expected move:CLASS:dx,dy"),
        ("move:cat:1,1", "the source has no class 'cat'; it has sky (#0101ff), grass"),
        ("move:dog:a,1", "expected a distance in pixels, such as -12"),
        ("resize:dog:big", "expected a factor above 0, such as 1.5, got 'big'"),
        ("resize:dog:0", "expected a factor above 0"),
        ("remove:dog@3", "dog has 1 regions; choose @1 to @1"),
        ("remove:dog:cat", "the source has no class 'cat'"),
        ("remove:dog;remove:dog", "no pixel of the map is dog"),
        ("move:dog:100,0", "nothing of the region is left within the map"),
    ],
)
def test_wishes_that_make_no_sense_are_told(text: str, said: str) -> None:
    with pytest.raises(WishError) as caught:
        edited(scene(), PALETTE, text)
    assert said in str(caught.value) and str(caught.value).startswith("'")


def test_names_of_edits_are_names_of_folders() -> None:
    assert target_name("move:sky:10%,-5") == "move-sky-10%--5"
    assert target_name("remove:#00ff00; resize:a b/c:2") == "remove-00ff00-resize-a-b-c-2"
