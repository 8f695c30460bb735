"""Label maps of every kind of file, by the classes of one source; and what is wrong with them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image, ImageDraw

from exemplar.labels.drawn import Drawn, drawn, read_map
from exemplar.labels.label_maps import (
    class_mask,
    exact,
    known_share,
    renumbered,
    source_classes,
    target_classes,
)
from exemplar.labels.palette import Entry, Palette, label_image, read_entries

RED, BLUE, WHITE, GREEN = (200, 10, 10), (10, 10, 200), (255, 255, 255), (10, 160, 10)
COLOURS = np.array([RED, BLUE, WHITE, GREEN], np.uint8)
LABELS = np.repeat(np.repeat(np.array([[0, 1, 1], [1, 1, 2], [2, 2, 1]]), 4, 0), 4, 1)
"""Blue has most pixels, then white, then red."""


def of_rgb(labels: np.ndarray = LABELS) -> Image.Image:
    return Image.fromarray(COLOURS[labels])


def of_palette(labels: np.ndarray = LABELS, order: tuple[int, ...] = (0, 1, 2, 3)) -> Image.Image:
    """A palette image whose numbers are permuted places."""
    image = Image.fromarray(np.array(order, np.uint8)[labels])
    table = np.zeros((4, 3), np.uint8)
    table[list(order)] = COLOURS
    image.putpalette(table.tobytes())
    return image


def of_numbers(labels: np.ndarray = LABELS) -> Image.Image:
    return Image.fromarray(labels.astype(np.uint8))


def source(image: Image.Image, entries=(), snap=None) -> tuple[np.ndarray, Palette]:
    problems: list[str] = []
    made = source_classes(drawn(image), "s.png", entries, snap, problems)
    assert made is not None and not problems
    return made


def target(image: Image.Image, palette: Palette, entries=(), mapping=None, problems=None):
    told: list[str] = [] if problems is None else problems
    made = target_classes(drawn(image), "t.png", palette, entries, mapping or {}, told)
    assert problems is not None or not told
    return made


def test_classes_of_colours_come_the_most_frequent_first() -> None:
    labels, palette = source(of_rgb())
    assert palette.names == ("#0a0ac8", "#ffffff", "#c80a0a")
    assert palette.ids is None and palette.coloured
    assert (palette.colours[labels] == COLOURS[LABELS]).all()


def test_numbers_and_palettes_keep_their_numbers() -> None:
    labels, palette = source(of_numbers(LABELS * 3))
    assert palette.names == ("0", "3", "6") and palette.ids == (0, 3, 6) and not palette.coloured
    assert (labels == LABELS).all()
    labels, palette = source(of_palette(order=(3, 0, 1, 2)))
    assert palette.ids == (0, 1, 3)
    assert (palette.colours[labels] == COLOURS[LABELS]).all()
    assert (np.array(palette.ids)[labels] == np.array([3, 0, 1])[LABELS]).all()
    sixteen = Image.fromarray(LABELS.astype(np.uint16) * 30000)
    assert source(sixteen)[1].ids == (0, 30000, 60000)
    assert source(Image.fromarray(LABELS == 0))[1].ids == (0, 255)


def test_users_names_go_to_colours_and_numbers() -> None:
    entries = [Entry("sky", BLUE, None), Entry("two", None, 2), Entry("none", (1, 2, 3), 77)]
    assert source(of_rgb(), entries)[1].names == ("sky", "#ffffff", "#c80a0a")
    assert source(of_palette(), entries)[1].names == ("#c80a0a", "sky", "two")
    assert source(of_numbers(), entries)[1].names == ("0", "1", "two")


@pytest.mark.parametrize("of_source", [of_rgb, of_palette, of_numbers])
def test_targets_may_be_of_other_kinds(of_source) -> None:
    """Whatever both files are, equal classes are equal."""
    labels, palette = source(of_source())
    kinds = {of_rgb: [of_rgb, of_palette], of_palette: [of_rgb, of_palette, of_numbers],
             of_numbers: [of_numbers, of_palette]}[of_source]  # fmt: skip
    for kind in kinds:
        assert (target(kind(), palette) == labels).all()
        flipped = target(kind(LABELS[::-1, :8]), palette)
        assert (flipped == labels[::-1, :8]).all()
    # What is written for a user to edit is always read again.
    assert (target(label_image(labels, palette), palette) == labels).all()


def test_a_palette_that_was_reordered_is_read_by_its_colours() -> None:
    labels, palette = source(of_palette())
    assert (target(of_palette(order=(2, 3, 0, 1)), palette) == labels).all()


def test_transparency_is_white_and_alpha_that_hides_nothing_is_nothing() -> None:
    labels, palette = source(of_rgb())
    rgba = np.dstack([COLOURS[LABELS], np.full(LABELS.shape, 255, np.uint8)])
    assert (target(Image.fromarray(rgba), palette) == labels).all()
    rgba[LABELS == 2] = (1, 2, 3, 0)
    assert (target(Image.fromarray(rgba), palette) == labels).all()


def test_classes_that_the_source_lacks_are_told_with_their_shares() -> None:
    _, palette = source(of_rgb(), [Entry("sky", BLUE, None)])
    labels = LABELS.copy()
    labels[:3, :4] = 3
    problems: list[str] = []
    assert target(of_rgb(labels), palette, [Entry("tree", GREEN, None)], {}, problems) is None
    told = (
        "t.png: tree (8.3%) is a class that the source lacks; it has sky (#0a0ac8), #ffffff, "
        "#c80a0a; say which of the source's they are, such as --map 'tree=sky'"
    )
    assert problems == [told]
    for name in ("#0aa00a", "tree"):
        made = target(of_rgb(labels), palette, [Entry("tree", GREEN, None)], {name: 1})
        assert (made[:3, :4] == 1).all() and (made[3:] == source(of_rgb())[0][3:]).all()
    # A class of the source itself may become another.
    made = target(of_rgb(), palette, (), {"sky": 1})
    assert (made == np.array([2, 1, 1])[LABELS]).all()
    found = drawn(of_numbers(labels))
    assert class_mask("3", found, palette, ()).sum() == 12
    assert known_share(drawn(of_rgb(labels)), palette) == pytest.approx(132 / 144)


def test_numbers_that_the_source_lacks_are_told_as_numbers() -> None:
    _, palette = source(of_numbers())
    problems: list[str] = []
    assert target(of_numbers(LABELS + 2), palette, (), {}, problems) is None
    assert problems[0].startswith("t.png: 3 (55.6%), 4 (33.3%) are 2 classes that the source")
    assert target(of_numbers(LABELS + 2), palette, (), {"3": 0, "4": 1}) is not None


def turned(labels: np.ndarray) -> Image.Image:
    """A map of 12 pixels a side at 384, turned a little; what comes in at the corners is blue."""
    large = of_rgb(labels).resize((384, 384), Image.Resampling.NEAREST)
    return large.rotate(17, Image.Resampling.NEAREST, fillcolor=BLUE)


def smooth(labels: np.ndarray) -> Image.Image:
    """The same at 96 pixels, as paint programs draw it: colours blend along edges."""
    return turned(labels).resize((96, 96), Image.Resampling.BOX)


def test_smoothed_maps_are_refused_and_snapped_where_that_is_asked_for() -> None:
    problems: list[str] = []
    assert source_classes(drawn(smooth(LABELS)), "s.png", (), None, problems) is None
    assert problems[0].startswith("s.png: expected a label map of at most 64 classes with hard")
    assert "--snap" in problems[0]
    wanted = np.asarray(turned(LABELS))[2::4, 2::4]
    for snap in (0, 3):
        labels, palette = source(smooth(LABELS), (), snap)
        assert len(palette.names) == 3
        # Only pixels on the very edges may go either way.
        assert (palette.colours[labels] == wanted).all(-1).mean() > 0.97
    entries = [
        Entry(name, tuple(colour), None) for name, colour in zip("rbwg", COLOURS, strict=True)
    ]
    labels, palette = source(smooth(LABELS), entries, 0)
    assert palette.names == ("r", "b", "w")  # green has no pixels


def test_targets_are_snapped_but_not_over_classes_that_are_lacking() -> None:
    _, palette = source(of_rgb())
    labels = LABELS.copy()
    made = exact(drawn(smooth(labels)), palette, ())
    assert set(np.unique(made.colours)) <= {int.from_bytes(bytes(c)) for c in COLOURS[:3]}
    labels[:5, :4] = 3
    made = exact(drawn(smooth(labels)), palette, ())
    problems: list[str] = []
    assert target_classes(made, "t.png", palette, (), {}, problems) is None
    assert problems[0].startswith("t.png: #0aa00a (") and "is a class that" in problems[0]


def test_a_line_of_one_pixel_survives_snapping() -> None:
    image = Image.new("RGB", (60, 60), WHITE)
    ImageDraw.Draw(image).line((5, 30, 55, 30), fill=RED)
    pixels = np.asarray(image).copy()
    pixels[0, :12] = np.arange(12)[:, None] + 100  # so many colours that it seems smoothed
    labels, palette = source(Image.fromarray(pixels), (), 2)
    line = palette.names.index("#c80a0a")
    assert (labels[30, 5:56] == line).all() and (labels == line).sum() == 51


@settings(max_examples=30, deadline=None)
@given(arrays(np.uint8, (5, 6), elements=st.sampled_from([0, 1, 3])))  # white alone is a number
def test_reading_back_what_was_written_changes_nothing(labels: np.ndarray) -> None:
    found, palette = source(of_rgb(labels))
    assert (palette.colours[found] == COLOURS[labels]).all()
    assert (target(label_image(found, palette), palette) == found).all()


@pytest.mark.parametrize("ids", [(1, 2, 300), (1, 0, 256), (0, 1, 70_000), (3, 1, 2)])
def test_what_was_written_of_large_numbers_is_read_by_its_colours(ids: tuple[int, ...]) -> None:
    numbers = np.array(ids, np.int32)[LABELS]
    labels, palette = source(Image.fromarray(numbers))
    assert not palette.coloured
    written = label_image(labels, palette)
    assert (target(written, palette) == labels).all()
    # A part without the large number: its pixels' numbers are known too, as other classes.
    for place in range(3):
        few = np.where(labels == place, (place + 1) % 3, labels).astype(np.uint8)
        assert (target(label_image(few, palette), palette) == few).all()
    # Numbers in colours of the user's own stay numbers.
    if max(ids) < 256:
        assert (target(of_palette(LABELS, (*ids, 0)), palette) == labels).all()


def test_files_that_are_no_maps_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("text.png").write_text("no map")
    Image.fromarray(np.ones((4, 4), np.float32)).save("f.tif")
    problems: list[str] = []
    for name in ("text.png", "none.png", "f.tif"):
        assert read_map(Path(name), problems) is None
    assert problems[1:] == [
        "none.png: no such file",
        "f.tif: floating-point pixels; save whole numbers or colours",
    ]
    many = Image.fromarray(np.arange(90, dtype=np.uint16).reshape(9, 10) * 300)
    assert source_classes(drawn(many), "ids.png", (), None, problems) is None
    assert problems[-1].endswith("got 90 numbers; give a map of classes, not of objects or depths")


def test_equal_colours_in_a_palette_are_told_apart_by_their_numbers() -> None:
    image = Image.fromarray(LABELS.astype(np.uint8))
    image.putpalette(bytes(3 * 4))
    found = drawn(image)
    assert found.colours is None and found.ids is not None
    assert isinstance(found, Drawn) and source(image)[1].ids == (0, 1, 2)


def test_real_facades_are_read_by_their_preset() -> None:
    path = Path(__file__).resolve().parents[4] / "shared/data/facades/train/1.jpg"
    if not path.is_file():
        pytest.skip("the facades are not here")
    both = Image.open(path)
    half = both.crop((both.width // 2, 0, both.width, both.height))
    entries = read_entries("facades", [])
    labels, palette = source(half, entries, 0)
    assert {"background", "facade", "window", "shop"} <= set(palette.names)
    assert len(palette.names) <= 12 and labels.shape == (256, 256)
    named = dict(zip(palette.names, palette.colours, strict=True))
    drawn_colours = np.asarray(half).astype(int)
    window = labels == palette.names.index("window")
    assert np.abs(drawn_colours[window] - named["window"]).mean() < 12


def renumbered_target(extra: bool) -> tuple[Palette, Drawn, np.ndarray]:
    """A source's classes, and a target with their colours but a palette numbered anew."""
    colours = np.array([[200, 0, 0], [0, 200, 0], [0, 0, 200], [250, 250, 0]], np.uint8)
    wanted = np.repeat(np.array([[0, 1, 2]], np.uint8), 3, 0)
    numbers = np.array([2, 0, 1], np.uint8)[wanted]
    if extra:
        numbers[2, 2] = 3  # a class that the source lacks
    image = Image.fromarray(numbers)
    image.putpalette(colours[[1, 2, 0, 3]].tobytes())
    return Palette(("a", "b", "c"), colours[:3], (0, 1, 2)), drawn(image), wanted


def test_of_a_palette_numbered_anew_colours_decide():
    palette, found, wanted = renumbered_target(extra=False)
    assert renumbered(found, palette)
    problems = []
    labels = target_classes(found, "t.png", palette, (), {}, problems)
    assert labels is not None and (labels == wanted).all() and not problems


def test_a_new_class_beside_it_is_told_and_does_not_make_numbers_decide():
    palette, found, _ = renumbered_target(extra=True)
    more = np.append(palette.colours, [[9, 9, 9]], 0).astype(np.uint8)
    wide = Palette(("a", "b", "c", "d"), more, (0, 1, 2, 3))
    problems = []
    assert target_classes(found, "t.png", wide, (), {}, problems) is None
    assert "#fafa00 (11.1%) is a class that the source lacks" in problems[0]


def test_numbers_that_were_compressed_are_refused_and_tones_far_apart_are_not(tmp_path):
    labels = np.zeros((32, 32), np.uint8)
    labels[:, 13:] = 3
    problems = []
    Image.fromarray(labels).save(tmp_path / "near.jpg", quality=95)
    found = read_map(tmp_path / "near.jpg", problems)
    assert found is not None and source_classes(found, "near", (), None, problems) is None
    assert "near: expected a label map with exact numbers" in problems[0]
    blocks = np.zeros((32, 32), np.uint8)
    blocks[:, 16:] = 255
    exact = Drawn(None, blocks.astype(np.int64), False, inexact=True)
    made = source_classes(exact, "far", (), None, problems)
    assert made is not None and made[1].ids == (0, 255)
