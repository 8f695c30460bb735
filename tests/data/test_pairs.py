from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from PIL import Image

from exemplar.data.colours import FACADES
from exemplar.data.inputs import BadPhoto, DomainError, Photo
from exemplar.data.pairs import edge_map, inputs, label_map, picture
from exemplar.data.photo_settings import PairsFolders, PairsSettings

COLOURS = np.array(list(FACADES.values()))


def settings(root="r", **values) -> PairsSettings:
    given = {"photo": "left", "condition": "labels", "classes": "facades", "min_side": 8, **values}
    return PairsSettings(kind="pairs", root=root, **given)


def classes(seed: int, size: int = 24) -> np.ndarray:
    return (
        np.random.default_rng(seed)
        .integers(0, 12, (size // 4, size // 4))
        .repeat(4, 0)
        .repeat(4, 1)
    )


def test_folders_are_splits_and_test_comes_first(tmp_path, save):
    for name in ("train/b.png", "train/a.png", "test/c.png"):
        save(tmp_path / name)
    got = inputs(settings(tmp_path)).photos
    assert got == [Photo("test/c.png", split="test"), Photo("train/a.png"), Photo("train/b.png")]
    folders = PairsFolders(train="train", val="test", test=None)
    assert inputs(settings(tmp_path, folders=folders)).photos[0].split == "val"
    with pytest.raises(DomainError, match=r"gone: expected a folder of A\|B .* the test split"):
        inputs(settings(tmp_path, folders=PairsFolders(test="gone")))


@pytest.mark.parametrize("photo", ["left", "right"])
def test_halves_go_where_they_belong(colours, photo):
    truth, photograph = classes(1), colours(1, 24, 24)
    halves = [photograph, COLOURS[truth].astype(np.uint8)]
    image = Image.fromarray(np.concatenate(halves if photo == "left" else halves[::-1], 1))
    made = picture(image, Photo("a"), settings(photo=photo), 24)
    assert (made.arrays["image"] == photograph).all()
    assert (made.arrays["labels"] == truth).all()
    assert made.arrays["labels"].dtype == np.uint8
    assert (made.width, made.height) == (24, 24)


def test_snapping_survives_compression(tmp_path):
    truth = classes(2, 48).repeat(2, 0).repeat(2, 1)
    Image.fromarray(COLOURS[truth].astype(np.uint8)).save(tmp_path / "a.jpg", quality=90)
    got = label_map(Image.open(tmp_path / "a.jpg").convert("RGB"), COLOURS, 96)
    inner = (np.indices(truth.shape) % 8 % 7 > 0).all(0)  # away from borders, where colours mix
    assert (got == truth)[inner].mean() > 0.99
    assert (got == truth).mean() > 0.85


def test_shrinking_takes_the_most_frequent_class():
    truth = np.random.default_rng(0).integers(0, 3, (12, 12))
    image = Image.fromarray(COLOURS[truth].astype(np.uint8))
    got = label_map(image, COLOURS, 4)
    for y in range(4):
        for x in range(4):
            votes = Counter(truth[3 * y : 3 * y + 3, 3 * x : 3 * x + 3].ravel().tolist())
            assert votes[int(got[y, x])] == max(votes.values())


def test_edges_are_dark_lines():
    drawing = np.full((16, 16, 3), 255, np.uint8)
    drawing[5] = 0
    drawing[10, 8] = 51
    got = edge_map(Image.fromarray(drawing), (0, 0, 16, 16), 16)
    assert got.dtype == np.float16
    expected = np.zeros((16, 16))
    expected[5], expected[10, 8] = 1, 0.8
    assert np.abs(got - expected).max() < 1e-3
    doubled = drawing.repeat(2, 0).repeat(2, 1)  # lines as wide as a pixel of the map
    halved = edge_map(Image.fromarray(doubled), (0, 0, 32, 32), 16)
    assert np.abs(halved - expected).max() < 1e-3


def test_swapped_sides_are_noticed(colours):
    photograph, truth = colours(5, 24, 24), COLOURS[classes(1)].astype(np.uint8)
    image = Image.fromarray(np.concatenate([photograph, truth], 1))
    with pytest.raises(BadPhoto, match=r"expected a label map, but only .* on the other side"):
        picture(image, Photo("a"), settings(photo="right"), 24)
    edges = settings(photo="left", condition="edges", classes=None)
    with pytest.raises(BadPhoto, match="expected a drawing, .* on the other side"):
        picture(image, Photo("a"), edges, 24)


def test_what_has_no_halves_is_refused():
    with pytest.raises(BadPhoto, match="two halves of equal width, got 25×10"):
        picture(Image.new("RGB", (25, 10)), Photo("a"), settings(), 24)
    with pytest.raises(BadPhoto, match="too small: 5×10"):
        picture(Image.new("RGB", (10, 10)), Photo("a"), settings(), 24)


def test_facade_colours_are_those_of_the_data(shared):
    from scipy.ndimage import maximum_filter, minimum_filter

    paths = sorted((shared / "data" / "facades" / "train").glob("*.jpg"))[:16]
    seen = Counter()
    for path in paths:
        pixels = np.asarray(Image.open(path))[:, 256:].astype(int)
        flat = np.ptp(
            np.stack([maximum_filter(pixels, (5, 5, 1)), minimum_filter(pixels, (5, 5, 1))]), 0
        )
        flat = pixels[flat.max(-1) < 16]
        distance = np.abs(flat[:, None] - COLOURS).max(-1)
        assert (distance.min(1) <= 24).mean() > 0.999
        seen.update(distance.argmin(1).tolist())
    assert sorted(seen) == list(range(12))
