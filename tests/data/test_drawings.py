"""Drawings as people make them: one drawing, whatever its paper, ink, size, light and file."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image, ImageDraw
from scipy.ndimage import gaussian_filter

from exemplar.data.drawings import LARGE, BlankPage, drawing_map, lines_of, reduced
from exemplar.data.grounds import ground_of
from exemplar.data.inputs import BadPhoto

SIZE = (48, 48)
SIDE, PEN = 384, 4
WHITE, BLACK = (255, 255, 255), (0, 0, 0)


def page(side=SIDE, pen=PEN, ground=WHITE, ink=BLACK) -> np.ndarray:
    """A head with ears, eyes and a mouth."""
    image = Image.new("RGB", (side, side), ground)
    draw = ImageDraw.Draw(image)

    def at(*shares):
        return [int(share * side) for share in shares]

    draw.ellipse(at(0.2, 0.25, 0.8, 0.9), outline=ink, width=pen)
    for line in ((0.2, 0.5, 0.25, 0.05), (0.25, 0.05, 0.45, 0.27), (0.55, 0.27, 0.75, 0.05),
                 (0.75, 0.05, 0.8, 0.5)):  # fmt: skip
        draw.line(at(*line), fill=ink, width=pen)
    draw.ellipse(at(0.33, 0.45, 0.43, 0.55), outline=ink, width=pen)
    draw.ellipse(at(0.57, 0.45, 0.67, 0.55), outline=ink, width=pen)
    draw.arc(at(0.4, 0.6, 0.6, 0.8), 20, 160, fill=ink, width=pen)
    return np.asarray(image)


def jpeg(image: np.ndarray, quality=75) -> np.ndarray:
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "JPEG", quality=quality)
    return np.asarray(Image.open(buffer).convert("RGB"))


def noisy(image: np.ndarray, deviation: float) -> np.ndarray:
    noise = np.random.default_rng(0).normal(0, deviation, image.shape)
    return np.clip(image + noise, 0, 255).astype(np.uint8)


def lit(image: np.ndarray) -> np.ndarray:
    """Under warm light from one side, half as strong at the other."""
    across = np.linspace(1, 0.5, image.shape[1])[None, :, None]
    return (image * across * (0.95, 0.92, 0.85)).astype(np.uint8)


YELLOW = (250, 235, 140)
# How far the mean and each pixel may be off. A pixel of the map sees 8 × 8 of the page, so a line's
# border that moves by half a pixel changes it by a sixteenth, two borders by an eighth. Where lines
# meet at an angle, their middles depend on how many pixels they have.
KINDS = {
    "grey paper": (page(ground=(230,) * 3), 1e-6, 1e-6),
    "dark paper": (page(ground=(180,) * 3), 1e-6, 1e-6),
    "yellow paper": (page(ground=YELLOW), 1e-6, 1e-6),
    "white on black": (255 - page(), 1e-6, 1e-6),
    "blueprint": (page(ground=(30, 60, 160), ink=(240, 245, 255)), 1e-6, 1e-6),
    "pencil": (page(ink=(120,) * 3), 1e-6, 1e-6),
    "pencil on grey": (page(ground=(230,) * 3, ink=(120,) * 3), 1e-6, 1e-6),
    "red": (page(ink=(210, 30, 40)), 1e-6, 1e-6),
    "blue on yellow": (page(ground=YELLOW, ink=(40, 60, 180)), 1e-6, 1e-6),
    "three times as large": (page().repeat(3, 0).repeat(3, 1), 0.004, 0.4),
    "compressed": (jpeg(page()), 0.002, 0.125),
    "compressed on yellow": (jpeg(page(ground=YELLOW)), 0.002, 0.125),
    "lit from one side": (lit(page()), 0.002, 0.125),
    "photographed": (jpeg(noisy(lit(page()), 4)), 0.005, 0.2),
    "scanned pencil": (noisy(page(ground=(235,) * 3, ink=(140,) * 3), 5), 0.008, 0.25),
}


@pytest.fixture(scope="module")
def plain() -> np.ndarray:
    return drawing_map(page(), SIZE)


@pytest.mark.parametrize("kind", KINDS)
def test_a_drawing_is_the_same_whatever_it_is_drawn_on_and_with(kind, plain):
    image, mean, most = KINDS[kind]
    off = np.abs(drawing_map(image, SIZE) - plain)
    assert plain.max() > 0.9 and (plain == 0).mean() > 0.7
    assert off.mean() <= mean and off.max() <= most


def test_wide_lines_have_the_mean_of_what_a_pixel_covers():
    image = page(pen=10)  # a pixel of the map sees eight
    dark = 1 - image.mean(-1) / 255
    expected = dark.reshape(48, 8, 48, 8).mean((1, 3))
    assert np.abs(drawing_map(image, SIZE) - expected).mean() < 2e-3


@pytest.mark.parametrize("pen", [1, 2, 3, 5])
@pytest.mark.parametrize("times", [8, 15, 16])
def test_thin_lines_are_kept_as_wide_as_a_pixel(times, pen):
    ink = np.zeros((24 * times, 24 * times), np.float32)
    middle = 12 * times + times // 2
    ink[4 * times : 20 * times, middle - pen // 2 : middle - pen // 2 + pen] = 0.8
    small = reduced(ink, (24, 24))
    across = small[8:16].sum(1) / 0.8
    assert np.abs(across - 1).max() <= 1 / times  # the middle may be half a pixel off
    assert small[12, 12] > 0.6


def test_maps_of_the_wanted_size_come_back():
    rng = np.random.default_rng(3)
    soft = gaussian_filter((rng.random((32, 40)) > 0.97).astype(float), 1.2)
    for strength in (1.0, 0.45, 0.2):  # of networks that are sure, and of some that are not
        grey = np.rint(255 * (1 - strength * soft / soft.max())).astype(np.uint8)
        made = drawing_map(grey[..., None].repeat(3, -1), (32, 40))
        assert np.abs(made - (255 - grey) / 255.0).max() < 1e-6


def test_what_was_read_is_read_again_the_same(plain):
    for found in (plain, drawing_map(page(pen=1), SIZE), drawing_map(page(48, 1), SIZE)):
        grey = np.rint(255 * (1 - found)).astype(np.uint8)
        again = drawing_map(grey[..., None].repeat(3, -1), SIZE)
        assert np.abs(again - found).max() <= 0.5 / 255 + 1e-6


BLANK = {
    "white": np.full((90, 120, 3), 255, np.uint8),
    "grey": np.full((90, 120, 3), 128, np.uint8),
    "yellow": np.full((90, 120, 3), YELLOW, np.uint8),
    "black": np.zeros((90, 120, 3), np.uint8),
    "one pixel": np.zeros((1, 1, 3), np.uint8),
    "scanned": noisy(np.full((300, 200, 3), 235, np.uint8), 6),
    "photographed": jpeg(noisy(lit(np.full((300, 300, 3), 255, np.uint8)), 4)),
}


@pytest.mark.parametrize("kind", BLANK)
def test_blank_pages_are_told(kind):
    with pytest.raises(BlankPage, match="expected a drawing, but the page is blank"):
        drawing_map(BLANK[kind], SIZE)
    with pytest.raises(BlankPage):
        drawing_map(BLANK[kind], BLANK[kind].shape[:2])


def test_dust_is_no_drawing():
    dusty = np.full((600, 600, 3), 250, np.uint8)
    for y, x in ((100, 200), (300, 500), (512, 40)):
        dusty[y : y + 2, x : x + 2] = 40
    with pytest.raises(BlankPage):
        lines_of(dusty)


def test_photographs_are_told():
    rng = np.random.default_rng(1)
    smooth = gaussian_filter(rng.random((128, 128, 3)), (14, 14, 0))
    spread = (smooth - smooth.min()) / np.ptp(smooth)
    photograph = np.rint(255 * spread).astype(np.uint8)
    on_white = photograph.copy()
    y, x = np.mgrid[-1:1:128j, -1:1:128j]
    on_white[x**2 + y**2 > 0.5] = 255  # as goods are photographed
    for image in (photograph, on_white):
        with pytest.raises(BadPhoto, match="areas of many tones, as photographs have"):
            drawing_map(image, SIZE)


def test_real_drawings_are_taken_and_real_photographs_are_not(shared):
    pairs = sorted((shared / "data" / "edges2shoes" / "train").glob("*.jpg"))[:12]
    for path in pairs:
        both = np.asarray(Image.open(path).convert("RGB"))
        own = 1 - both[:, :256].mean(-1) / 255
        made = drawing_map(both[:, :256], (256, 256))
        assert np.abs(made - own).max() < 0.02
    refused = 0
    paths = sorted((shared / "data" / "celeba-3k" / "images").glob("*.jpg"))[:24]
    for path in paths:
        with pytest.raises(BadPhoto):
            lines_of(np.asarray(Image.open(path).convert("RGB")))
        refused += 1
    assert refused == 24


def test_large_pages_are_looked_at_in_a_smaller_size_and_keep_their_thinnest_lines():
    image = np.full((LARGE + 10, 300, 3), 255, np.uint8)
    image[:, 151] = 0
    ink = lines_of(image)
    assert ink.shape == (LARGE // 2 + 5, 150)
    assert (ink[:, 75] == 1).all() and ink.sum() == ink.shape[0]


def test_the_ground_follows_the_light_below_lines_and_filled_areas():
    y, x = np.mgrid[0:1:256j, 0:1:256j]
    truth = np.stack([240 - 90 * x - 30 * y * y, 220 - 60 * x, 180 - 40 * y], -1)
    image = truth.copy()
    image[40:120, 50:130] = 10
    image[::20] *= 0.3
    found = ground_of(np.rint(image).astype(np.uint8), dark=True)
    assert np.abs(found - truth).max() < 2
    assert ground_of(page(), dark=True).tolist() == [[[255, 255, 255]]]
