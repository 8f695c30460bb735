from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from exemplar.labels.colours import hexadecimal, label_palette
from exemplar.report.palettes import EXEMPLARS, OTHER
from exemplar.report.pictures import (
    condition_picture,
    contact_sheet,
    correspondence_picture,
    fourier_picture,
    identity_source,
    position_picture,
    source_picture,
    tinted,
    used_picture,
)


def random_case(seed: int, side: int = 12) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A composed image, its source among twelve exemplars, and those exemplars."""
    draw = np.random.default_rng(seed)
    exemplars = draw.integers(0, 256, (12, side, side, 3)).astype(np.uint8)
    rows = draw.integers(-1, 12, (side, side))
    places = draw.integers(0, side, (side, side, 2))
    image = draw.integers(0, 256, (side, side, 3)).astype(np.uint8)
    return image, np.concatenate([rows[..., None], places], -1).astype(np.int32), exemplars


def wash(pixel: np.ndarray, colour: tuple[int, int, int]) -> list[int]:
    """One pixel's grey value, two parts, and a colour, three parts."""
    r, g, b = (int(v) for v in pixel)
    grey = 0.299 * r + 0.587 * g + 0.114 * b
    return [round(0.4 * grey + 0.6 * c) for c in colour]


def test_lowres_is_enlarged_in_blocks() -> None:
    small = np.arange(12, dtype=np.uint8).reshape(2, 2, 3)
    large = condition_picture("lowres", small, 7)
    assert large.shape == (6, 6, 3)
    for y in range(6):
        for x in range(6):
            assert (large[y, x] == small[y // 3, x // 3]).all()


def test_edges_are_dark_on_white() -> None:
    edges = np.array([[0, 1], [0.5, np.nan]], np.float16)
    assert condition_picture("edges", edges)[..., 1].tolist() == [[255, 0], [128, 255]]


def test_normals_are_shown_as_colours() -> None:
    normals = np.array([[[0, 0, 1], [1, -1, 0]]], np.float16)
    assert condition_picture("normals", normals).tolist() == [[[128, 128, 255], [255, 0, 128]]]


def test_labels_have_distinct_colours() -> None:
    palette = label_palette()
    assert palette.shape == (256, 3)
    assert len(np.unique(palette[:25], axis=0)) == 25
    labels = np.array([[0, 3], [255, 3]], np.uint8)
    assert (condition_picture("labels", labels)[1, 0] == palette[255]).all()


def test_an_unknown_kind_and_a_wrong_shape_are_named() -> None:
    with pytest.raises(ValueError, match=r"'depth'; expected one of \['lowres', 'edges'"):
        condition_picture("depth", np.zeros((4, 4)))
    with pytest.raises(ValueError, match=r"edges: expected an array \(H, W\), got \(4, 4, 3\)"):
        condition_picture("edges", np.zeros((4, 4, 3)))


def test_sources_are_coloured_pixel_by_pixel() -> None:
    image, source, _ = random_case(0)
    ids = [7, 2, 11]
    picture = source_picture(image, source, ids)
    for y in range(12):
        for x in range(12):
            row = int(source[y, x, 0])
            colour = EXEMPLARS[ids.index(row)] if row in ids else OTHER
            assert picture[y, x].tolist() == wash(image[y, x], colour), (y, x)


def test_used_pixels_are_those_that_some_pixel_was_copied_from() -> None:
    _, source, exemplars = random_case(1)
    picture = used_picture(exemplars[5], source, 5, EXEMPLARS[0])
    used = {(y, x) for row, y, x in source.reshape(-1, 3).tolist() if row == 5}
    assert used
    for y in range(12):
        for x in range(12):
            colour = EXEMPLARS[0] if (y, x) in used else (255, 255, 255)
            assert picture[y, x].tolist() == wash(exemplars[5][y, x], colour)


def test_the_composed_image_stands_amid_its_exemplars() -> None:
    image, source, exemplars = random_case(2)
    ids = [3, 1, 4, 0, 9, 2, 6, 5]
    sheet = correspondence_picture(image, source, exemplars[ids], ids)
    frame, step = 2, 12 + 2 * 2 + 2
    assert sheet.shape == (3 * step - 2, 3 * step - 2, 3)

    def tile(down: int, across: int) -> np.ndarray:
        y, x = down * step + frame, across * step + frame
        return sheet[y : y + 12, x : x + 12]

    assert (tile(1, 1) == source_picture(image, source, ids)).all()
    for place, number in (((0, 0), 0), ((0, 2), 1), ((2, 0), 2), ((1, 2), 7)):
        row, colour = ids[number], EXEMPLARS[number]
        expected = used_picture(exemplars[row], source, row, colour)
        assert (tile(*place) == expected).all()
        corner = sheet[place[0] * step, place[1] * step]
        assert corner.tolist() == list(colour)


@pytest.mark.parametrize("ids", [[], [7], [7, 2]])
def test_up_to_two_exemplars_stand_beside_the_image(ids: list[int]) -> None:
    image, source, exemplars = random_case(3)
    sheet = correspondence_picture(image, source, exemplars[ids], ids)
    frame, step = 2, 12 + 2 * 2 + 2
    assert sheet.shape == (step - 2, (len(ids) + 1) * step - 2, 3)
    drawn = [used_picture(exemplars[i], source, i, c) for i, c in zip(ids, EXEMPLARS, strict=False)]
    drawn.insert(min(1, len(ids)), source_picture(image, source, ids))
    for place, tile in enumerate(drawn):
        x = place * step + frame
        assert (sheet[frame : frame + 12, x : x + 12] == tile).all()


def test_mismatches_are_refused() -> None:
    image, source, exemplars = random_case(3)
    with pytest.raises(ValueError, match=r"expected 2 exemplar images of \(12, 12, 3\), got \(1,"):
        correspondence_picture(image, source, exemplars[:1], [0, 1])


def test_positions_tell_corners_and_places_apart() -> None:
    key = position_picture(identity_source(24, 24), 24, 24)
    corners = {tuple(key[y, x].tolist()) for y in (0, 23) for x in (0, 23)}
    assert len(corners) == 4
    _, source, _ = random_case(4, 24)
    picture = position_picture(source, 24, 24)
    for y in range(24):
        for x in range(24):
            row, there_y, there_x = source[y, x]
            expected = [255] * 3 if row < 0 else key[there_y, there_x].tolist()
            assert picture[y, x].tolist() == expected


def test_a_wave_has_two_bright_points() -> None:
    x = np.arange(32)
    wave = np.rint(127 + 100 * np.cos(2 * np.pi * 5 * x / 32)).astype(np.uint8)
    image = np.broadcast_to(wave[None, :, None], (32, 32, 3))
    spectrum = fourier_picture(image)[..., 0].astype(int)
    bright = np.argwhere(spectrum == spectrum.max())
    assert {tuple(place) for place in bright.tolist()} <= {(16, 11), (16, 21)}
    assert fourier_picture(np.full((32, 32, 3), 9, np.uint8)).max() == 0


@given(
    sizes=st.lists(st.tuples(st.integers(4, 30), st.integers(4, 30)), min_size=1, max_size=7),
    columns=st.integers(1, 9),
)
def test_a_contact_sheet_holds_every_image(sizes: list[tuple[int, int]], columns: int) -> None:
    images = [np.full((h, w, 3), 10 * i, np.uint8) for i, (h, w) in enumerate(sizes)]
    sheet = contact_sheet(images, [""] * len(images), columns)
    for i, (h, w) in enumerate(sizes):
        assert (sheet == 10 * i).all(-1).sum() >= h * w
    assert np.array_equal(sheet, contact_sheet(images, [""] * len(images), columns))


def test_captions_are_written_under_their_images() -> None:
    images = [np.full((32, 32, 3), 255, np.uint8)] * 2
    plain = contact_sheet(images, ["K 1", ""], 2)
    dark = np.argwhere((plain < 128).all(-1))
    assert dark[:, 0].min() >= 32
    assert dark[:, 1].max() < plain.shape[1] // 2


def test_a_sheet_without_images_or_captions_is_refused() -> None:
    with pytest.raises(ValueError, match="got 0 images, 0 captions, 3 columns"):
        contact_sheet([], [], 3)
    with pytest.raises(ValueError, match="got 1 images, 2 captions, 3 columns"):
        contact_sheet([np.zeros((4, 4, 3), np.uint8)], ["a", "b"], 3)


def test_colours_as_a_page_writes_them() -> None:
    assert hexadecimal((230, 159, 0)) == "#e69f00"
    grey = np.full((2, 2, 3), 100, np.uint8)
    assert (tinted(grey, (200, 0, 100)) == [160, 40, 100]).all()
