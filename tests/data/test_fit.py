"""One geometry for every file of a shape."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from exemplar.data.fit import FITS, central, fitted, margins, shaped, told
from flows.arguments import add_synth

SIDES = st.integers(1, 60)
SIZES = st.tuples(SIDES, SIDES)


@given(SIZES, SIZES)
def test_the_central_part_is_the_largest_of_its_shape(size, wanted):
    left, top, right, bottom = central(size, wanted)
    height, width = bottom - top, right - left
    assert 0 <= left < right <= size[1] and 0 <= top < bottom <= size[0]
    assert height == size[0] or width == size[1]
    # As near the shape as whole pixels allow.
    tall = min(size[0], size[1] * wanted[0] / wanted[1])
    assert abs(height - max(1, tall)) <= 0.5
    assert abs(left - (size[1] - right)) <= 1 and abs(top - (size[0] - bottom)) <= 1


@given(SIZES, SIZES)
def test_margins_make_the_smallest_canvas_of_the_shape(size, wanted):
    left, top, right, bottom = margins(size, wanted)
    assert min(left, top, right, bottom) >= 0
    assert abs(left - right) <= 1 and abs(top - bottom) <= 1
    assert left + right == 0 or top + bottom == 0
    wide = max(size[1], size[0] * wanted[1] / wanted[0])
    assert abs(left + right + size[1] - wide) <= 0.5


@pytest.mark.parametrize("how", FITS)
def test_arrays_and_images_get_the_same_geometry(how):
    values = np.random.default_rng(0).integers(0, 9, (6, 10), np.uint8)
    image = fitted(Image.fromarray(values), (12, 12), how, Image.Resampling.NEAREST, fill=7)
    part = shaped(values, (12, 12), how, 7)
    rows, columns = (np.arange(12) * side // 12 for side in part.shape)
    if how == "pad":
        assert part.shape == (10, 10) and (part[:2] == 7).all() and (part[2:8] == values).all()
        rows = columns = (np.arange(12) * 2 + 1) * 10 // 24
    elif how == "crop":
        assert (part == values[:, 2:8]).all()
    else:
        columns = (np.arange(12) * 2 + 1) * 10 // 24
    assert (np.asarray(image) == part[np.ix_(rows, columns)]).all()


def test_palettes_stay_and_margins_are_white_of_colours():
    palette = Image.fromarray(np.array([[0, 1, 1]], np.uint8), "P")
    palette.putpalette([9, 8, 7, 30, 20, 10])
    padded = fitted(palette, (3, 3), "pad", Image.Resampling.NEAREST, fill=0)
    assert np.asarray(padded).tolist() == [[0, 0, 0], [0, 1, 1], [0, 0, 0]]
    assert padded.convert("RGB").getpixel((1, 1)) == (30, 20, 10)
    photograph = fitted(Image.new("RGB", (4, 2)), (4, 4), "pad")
    assert np.asarray(photograph)[:, 0, 0].tolist() == [255, 0, 0, 255]


def test_what_is_done_is_said():
    assert told((1024, 1536), (96, 96), "crop") == "1536×1024, cropped to the central 1024×1024"
    assert told((1024, 1536), (96, 96), "pad") == "1536×1024, padded to 1536×1536"
    assert told((1024, 1536), (96, 96), "stretch") == "1536×1024, stretched to 96×96"
    assert [told((512, 512), (96, 96), how) for how in FITS] == ["", "", ""]


def test_the_command_line_has_every_fit():
    import argparse

    parser = add_synth(argparse.ArgumentParser().add_subparsers())
    (option,) = [each for each in parser._actions if each.dest == "fit"]
    assert tuple(option.choices) == FITS and option.default == "crop"
