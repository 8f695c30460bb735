"""Maps by known classes: files as programs write them, back to the classes that were drawn."""

from __future__ import annotations

import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image

from exemplar.data.inputs import BadPhoto
from exemplar.labels.colours import label_palette
from exemplar.labels.drawn import Drawn, of_file
from exemplar.labels.encoding import IGNORE
from exemplar.labels.known import Known, shown_colours
from exemplar.labels.recognition import read_known, recognised, said_of, tones

NAMES = ("sky", "sea", "car")
KNOWN = Known(NAMES, (0, 1, 2), colours=shown_colours((0, 1, 2)))
TWO = Known(("ground", "leaf"), (0, 1), colours=shown_colours((0, 1)))
PALETTE = label_palette()[:3]

LABELS = np.zeros((64, 64), np.uint8)
LABELS[:, 20:40] = 1
LABELS[30:] = 2


def filed(image: Image.Image, kind: str = "PNG", **options) -> Drawn:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return of_file(file.getvalue())


def with_palette(labels: np.ndarray, colours) -> Image.Image:
    image = Image.fromarray(labels)
    image.putpalette(np.asarray(colours, np.uint8).tobytes())
    return image


NUMBERED = {
    "grey": Image.fromarray(LABELS),
    "16 bits": Image.fromarray(LABELS.astype(np.uint16)),
    "equal channels": Image.fromarray(LABELS).convert("RGB"),
    "equal channels with alpha": Image.fromarray(LABELS).convert("RGBA"),
    "the palette it is shown in": with_palette(LABELS, PALETTE),
    "another palette, black among it": with_palette(LABELS, [[0, 0, 0], [128, 0, 0], [0, 128, 0]]),
    "a grey ramp": with_palette(LABELS, [[0] * 3, [90] * 3, [180] * 3]),
    "a palette of one colour": with_palette(LABELS, [[9, 9, 9]] * 3),
}


@pytest.mark.parametrize("name", NUMBERED)
def test_numbers_are_classes_whatever_they_are_drawn_in(name):
    found = recognised(filed(NUMBERED[name]), KNOWN)
    assert found.labels.dtype == np.uint8 and (found.labels == LABELS).all()
    assert (found.way, found.notes) == ("number", ())


def test_colours_of_classes_are_classes():
    for image in (Image.fromarray(PALETTE[LABELS]), Image.fromarray(PALETTE[LABELS]).quantize()):
        found = recognised(filed(image), KNOWN)
        assert (found.labels == LABELS).all()
    own = Known(
        NAMES, (7, 300, 9), colours=np.array([[0, 0, 0], [255, 255, 255], [9, 9, 9]]), given=True
    )
    found = recognised(filed(Image.fromarray(own.colours.astype(np.uint8)[LABELS])), own)
    assert (found.labels == LABELS).all()


@pytest.mark.parametrize("order", [[1, 2, 0], [2, 0, 1], [4, 0, 3]])
def test_of_a_palette_numbered_anew_colours_decide_and_it_is_said(order):
    numbers = np.array(order, np.uint8)
    table = np.zeros((5, 3), np.uint8)
    table[numbers] = PALETTE
    found = recognised(filed(with_palette(numbers[LABELS], table)), KNOWN)
    assert (found.labels == LABELS).all() and found.way == "colour"
    assert "numbers and colours disagree" in found.notes[0] and "colours decide" in found.notes[0]
    assert f"{order[1]} (#e69f00) is" in found.notes[0]
    assert "sea by its colour" in found.notes[0]


def test_a_palette_that_agrees_in_part_alone_is_told():
    table = PALETTE[[2, 0, 1]]
    table[1] = (1, 2, 3)
    with pytest.raises(
        BadPhoto, match="numbers and colours disagree: .* but #010203 have no class"
    ):
        recognised(filed(with_palette(LABELS, table)), KNOWN)


def test_a_grey_palette_whose_levels_are_other_classes_is_told():
    with pytest.raises(
        BadPhoto, match="numbers and grey levels disagree: 1 .#020202. is sea by its"
    ):
        recognised(filed(with_palette(LABELS, [[0] * 3, [2] * 3, [1] * 3])), KNOWN)
    table = np.zeros((8, 3), np.uint8)
    table[5:] = [[0] * 3, [1] * 3, [2] * 3]
    found = recognised(filed(with_palette(LABELS + 5, table)), KNOWN)
    assert (found.labels == LABELS).all() and found.way == "grey level" and found.notes


def test_masks_of_black_and_white_are_two_classes_by_rank():
    mask = LABELS == 2
    for image in (Image.fromarray(mask), Image.fromarray(mask.astype(np.uint8) * 255)):
        found = recognised(filed(image), TWO)
        assert (found.labels == mask).all() and found.way == "black and white"
        assert "black is ground, white is leaf" in found.notes[0]
    turned = Known(("leaf", "ground"), (5, 3))
    assert (recognised(filed(image), turned).labels == ~mask).all()  # 3 goes before 5
    beside = LABELS.copy()
    beside[LABELS == 2] = 255
    found = recognised(filed(Image.fromarray(beside)), TWO)
    assert (found.labels == beside).all() and found.way == "number"
    blank = filed(Image.fromarray(np.full((4, 4), 255, np.uint8)))
    assert (recognised(blank, TWO, masked=True).labels == 1).all()
    assert (recognised(blank, TWO, masked=False).labels == IGNORE).all()
    three = recognised(filed(Image.fromarray(mask.astype(np.uint8) * 255)), KNOWN)
    assert (three.labels[mask] == IGNORE).all()  # never a class; that most has none is told


def test_smoothed_and_compressed_masks_keep_their_two_classes():
    mask = Image.fromarray((LABELS == 2).astype(np.uint8) * 255)
    found = recognised(filed(mask, "JPEG", quality=60), TWO)
    assert (found.labels == (LABELS == 2)).mean() > 0.99 and "compressed" in found.notes[0]
    large = mask.resize((150, 150), Image.Resampling.BICUBIC)
    again = np.array(large) >= 128
    assert (recognised(filed(large), TWO).labels == again).all()
    assert tones(filed(mask, "JPEG", quality=60)) == {0, 255}
    more = LABELS.copy()
    more[0, :8] = range(3, 11)
    more[1] = 255
    with pytest.raises(BadPhoto, match="have no class"):  # numbers, however many, are no mask
        recognised(filed(Image.fromarray(more)), TWO)


@pytest.mark.parametrize("kind", ["JPEG", "WEBP"])
def test_compressed_numbers_are_refused_and_compressed_colours_snapped(kind):
    with pytest.raises(BadPhoto, match="changes numbers.*save the original map as PNG"):
        recognised(filed(Image.fromarray(LABELS), kind, quality=95), KNOWN)
    found = recognised(filed(Image.fromarray(PALETTE[LABELS]), kind, quality=80), KNOWN)
    assert (found.labels == LABELS).mean() > 0.99 and "took the nearest class" in found.notes[0]
    assert set(np.unique(found.labels)) == {0, 1, 2}
    exact = filed(Image.fromarray(LABELS), "WEBP", lossless=True)
    assert (recognised(exact, KNOWN).labels == LABELS).all()


def test_smooth_edges_become_no_class_and_classes_beside_them_are_told():
    large = Image.fromarray(PALETTE[LABELS]).resize((160, 160), Image.Resampling.BILINEAR)
    found = recognised(filed(large), KNOWN)
    wanted = np.array(Image.fromarray(LABELS).resize((160, 160), Image.Resampling.NEAREST))
    assert (found.labels == wanted).mean() > 0.98 and found.notes
    drawn = np.array(large)
    drawn[:40, :40] = (20, 200, 20)
    with pytest.raises(BadPhoto, match=r"has #14c814 \(6.\d%\), which have no class"):
        recognised(filed(Image.fromarray(drawn)), KNOWN)


def test_what_has_no_class_is_told_with_its_share():
    off = LABELS.copy()
    off[:32, :32] = 9
    with pytest.raises(BadPhoto, match=r"labels 9 have no class; expected 0 to 2.*\(25% of all\)"):
        recognised(filed(Image.fromarray(off)), KNOWN)
    with pytest.raises(BadPhoto, match="seem to begin at 1"):
        recognised(filed(Image.fromarray(LABELS + 1)), KNOWN)
    with pytest.raises(BadPhoto, match="#c80009 .50%.*is no class|got mode RGB with 2 colours"):
        drawn = np.full((8, 8, 3), (200, 0, 9), np.uint8)
        drawn[:4] = PALETTE[0]
        recognised(filed(Image.fromarray(drawn)), KNOWN)
    photograph = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    with pytest.raises(BadPhoto, match="is it a photograph"):
        recognised(filed(Image.fromarray(photograph), "JPEG"), KNOWN)


def test_what_is_transparent_or_black_has_no_class():
    drawn = np.dstack([PALETTE[LABELS], np.full(LABELS.shape, 255, np.uint8)])
    drawn[:9, :, 3] = 0
    drawn[9, :, 3] = 127
    drawn[63, :, :3] = 0
    found = recognised(filed(Image.fromarray(drawn)), KNOWN).labels
    assert (found[:10] == IGNORE).all() and (found[63] == IGNORE).all()
    assert (found[10:63] == LABELS[10:63]).all()
    nothing = recognised(filed(Image.fromarray(np.zeros((4, 4, 4), np.uint8))), KNOWN)
    assert (nothing.labels == IGNORE).all()


@given(
    arrays(np.int64, (3, 5), elements=st.sampled_from([2, 7, 40_000, 255, 8])),
    st.permutations([2, 7, 40_000]),
)
def test_numbers_become_places_of_classes(drawn, numbers):
    known = Known(NAMES, tuple(numbers), (255, 8))
    found = recognised(Drawn(None, drawn, coloured=False), known).labels
    naive = [[numbers.index(n) if n in numbers else 255 for n in row] for row in drawn.tolist()]
    assert found.tolist() == naive


def test_a_file_is_said_with_its_classes_and_one_of_no_class_is_refused(tmp_path):
    path, problems = tmp_path / "l.png", []
    Image.fromarray(LABELS).save(path)
    found = read_known(path, KNOWN, problems)
    assert found is not None
    assert said_of(path, found, KNOWN) == [
        f"{path}: 64×64, 3 classes by number: car 53%, sky 32%, sea 15%"
    ]
    few = np.full((10, 10), 255, np.uint8)
    few[:4] = 1
    Image.fromarray(few).save(path)
    assert read_known(path, KNOWN, problems) is None
    assert problems == [f"{path}: 60% of the pixels have no class, more than 50%; relabel them"]
    assert read_known(tmp_path / "none.png", KNOWN, problems) is None
    assert problems[1].endswith("no such file")
