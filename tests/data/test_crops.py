from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from exemplar.data.crops import (
    central_square,
    clipped,
    cut,
    large_enough,
    nearest,
    padded_square,
    resized,
    square_around,
    square_with_margins,
)
from exemplar.data.inputs import BadPhoto

SIDES = st.integers(1, 200)


@st.composite
def boxes_inside(draw):
    width, height = draw(SIDES), draw(SIDES)
    x0, y0 = draw(st.floats(0, width - 0.5)), draw(st.floats(0, height - 0.5))
    x1, y1 = draw(st.floats(x0 + 0.1, width)), draw(st.floats(y0 + 0.1, height))
    return (x0, y0, x1, y1), width, height


@given(boxes_inside(), st.floats(0, 1))
def test_square_is_square_inside_and_around_its_box(case, margin):
    (x0, y0, x1, y1), width, height = case
    left, top, right, bottom = square_around((x0, y0, x1, y1), width, height, margin)
    side = right - left
    assert side == bottom - top >= 1
    assert left >= 0
    assert top >= 0
    assert right <= width
    assert bottom <= height
    wanted = max(x1 - x0, y1 - y0) * (1 + 2 * margin)
    assert side <= wanted + 1
    if wanted < min(width, height) - 1:  # it fits: nothing of the box is lost
        assert left <= x0 + 1
        assert right >= x1 - 1
        assert top <= y0 + 1
        assert bottom >= y1 - 1


def test_square_exact_cases():
    assert square_around((10, 10, 30, 20), 100, 100, 0) == (10, 5, 30, 25)
    assert square_around((10, 10, 30, 20), 100, 100, 0.5) == (0, 0, 40, 40)  # moved inside
    assert square_around((0, 0, 90, 30), 90, 50, 0.1) == (20, 0, 70, 50)  # loses its ends


def test_clipped_keeps_what_is_mostly_inside():
    assert clipped((-5, 2, 15, 10), 12, 20) == (0, 2, 12, 10)
    with pytest.raises(BadPhoto, match=r"box -30,0,10,10 lies mostly outside the image of 12×20"):
        clipped((-30, 0, 10, 10), 12, 20)
    with pytest.raises(BadPhoto, match="lies outside the image"):
        clipped((12, 0, 20, 10), 12, 20)


def test_central_square():
    assert central_square(178, 218, 148 / 178) == (15, 35, 163, 183)
    assert central_square(10, 4) == (3, 0, 7, 4)


def test_resizing_is_antialiased():
    # A one-pixel chequerboard has no grey pixel; at a quarter of the size it has no other.
    board = (np.indices((64, 64)).sum(0) % 2 * 255).astype(np.uint8)[..., None].repeat(3, -1)
    small = resized(Image.fromarray(board), (0, 0, 64, 64), 16)
    assert small.shape == (16, 16, 3)
    assert np.abs(small[2:-2, 2:-2].astype(int) - 127).max() <= 3


def test_region_at_its_own_size_is_copied(colours):
    image = colours(1, 60, 60).copy()
    image[:, 40:] = 255
    region = resized(Image.fromarray(image), (0, 0, 30, 30), 30)
    assert (region == image[:30, :30]).all()


def test_padding_is_white_and_even(colours):
    wide = padded_square(Image.fromarray(colours(1, 40, 30)))
    pixels = np.asarray(wide)
    assert wide.size == (40, 40)
    assert (pixels[:5] == 255).all()
    assert (pixels[5:35] == colours(1, 40, 30)).all()
    assert (pixels[35:] == 255).all()


def test_too_small_says_how_small():
    large_enough(48, 50, 48)
    with pytest.raises(BadPhoto, match="too small: 50×47, the shorter side below 48"):
        large_enough(50, 47, 48)


@given(
    st.tuples(*[st.integers(1, 20)] * 2),
    st.tuples(*[st.integers(1, 20)] * 2),
    st.integers(0, 99),
)
def test_of_numbers_the_one_in_the_middle_is_taken(shape, size, seed):
    rng = np.random.default_rng(seed)
    values = rng.integers(0, 250, shape).astype(np.uint8)
    box = (-1.5, 0, shape[1] + 2.25, shape[0] - 0.25)
    found = nearest(values, box, size, 255)
    for row in range(size[0]):
        for column in range(size[1]):
            y = math.floor((row + 0.5) / size[0] * (shape[0] - 0.25))
            x = math.floor(-1.5 + (column + 0.5) / size[1] * (shape[1] + 3.75))
            there = 0 <= y < shape[0] and 0 <= x < shape[1]
            assert found[row, column] == (values[y, x] if there else 255)
    whole = nearest(values, (0, 0, shape[1], shape[0]), shape)
    assert (whole == values).all() and whole.dtype == np.uint8


def test_where_a_box_reaches_over_an_image_it_is_white(colours):
    image = Image.fromarray(colours(0, 20, 10))
    found = cut(image, (-3, -2, 22, 11), (13, 25))
    expected = np.full((13, 25, 3), 255, np.uint8)
    expected[2:12, 3:23] = colours(0, 20, 10)
    assert (found == expected).all()
    within = cut(image, (2, 1, 18, 9), (4, 8))
    smaller = image.resize((8, 4), Image.Resampling.LANCZOS, (2, 1, 18, 9))
    assert (within == np.asarray(smaller)).all()
    square = square_with_margins(20, 11)
    assert square == (0, -4, 20, 16) and square_with_margins(11, 20) == (-4, 0, 16, 20)
