from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from PIL import Image

from exemplar.data.colours import FACADES
from exemplar.data.inputs import BadPhoto, DomainError, Photo
from exemplar.data.pairs import edge_map, inputs, label_map, most_frequent, picture
from exemplar.data.photo_settings import PairsSettings, SplitFolders
from exemplar.labels.domains import known_by_colours

COLOURS = np.array(list(FACADES.values()))
KNOWN = known_by_colours(FACADES, "name them in classes")


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
    folders = SplitFolders(train="train", val="test", test=None)
    assert inputs(settings(tmp_path, folders=folders)).photos[0].split == "val"
    with pytest.raises(DomainError, match=r"gone: expected a folder of A\|B .* the test split"):
        inputs(settings(tmp_path, folders=SplitFolders(test="gone")))


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
    got = label_map(Image.open(tmp_path / "a.jpg").convert("RGB"), KNOWN).labels
    inner = (np.indices(truth.shape) % 8 % 7 > 0).all(0)  # away from borders, where colours mix
    assert (got == truth)[inner].mean() > 0.99
    assert (got == truth).mean() > 0.85


def test_shrinking_takes_the_most_frequent_class():
    truth = np.random.default_rng(0).integers(0, 3, (12, 12))
    truth[:3, :6] = 255
    got = most_frequent(truth.astype(np.uint8), 4)
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


@pytest.mark.parametrize("suffix", [".png", ".jpg"])
def test_areas_of_a_colour_without_a_class_are_told_with_their_share(tmp_path, suffix):
    drawn = COLOURS[classes(3, 96).repeat(2, 0).repeat(2, 1)].astype(np.uint8)
    drawn[16:48, 32:64] = (250, 90, 250)
    Image.fromarray(drawn).save(tmp_path / f"a{suffix}")
    image = Image.open(tmp_path / f"a{suffix}").convert("RGB")
    wanted = r"has #f[ab]5[0-9a-f]f[ab] \(2\.[678]%\), which have no class; name them in classes"
    with pytest.raises(BadPhoto, match=wanted):
        label_map(image, KNOWN)


def test_stray_colours_take_a_class_within_a_bound_and_the_rest_is_told():
    truth = np.repeat(np.repeat([[1, 11], [6, 10]], 50, 0), 50, 1)
    drawn = COLOURS[truth].astype(np.uint8)
    large = np.array(Image.fromarray(drawn).resize((200, 200), Image.Resampling.BILINEAR))
    wanted = truth.repeat(2, 0).repeat(2, 1)
    found = label_map(Image.fromarray(large), KNOWN)
    assert (found.labels == wanted).mean() > 0.985 and not (found.labels == 255).any()
    large[20:40, 20:40] = (230, 90, 230) + np.random.default_rng(0).integers(0, 25, (20, 20, 3))
    found = label_map(Image.fromarray(large), KNOWN)
    away = np.sqrt(((large[:, :, None] - COLOURS[:].astype(float)) ** 2).sum(-1)).min(-1)
    none = found.labels == 255
    inner = np.zeros_like(none)
    inner[25:35, 25:35] = True
    assert none[inner].all() and not none[away < 60].any()
    assert not none[:20].any() and not none[40:].any()
    assert f"but for {none.mean():.1%} that have no class" in found.notes[0]


def test_grey_halves_are_read_by_colour_and_black_may_be_a_class():
    known = known_by_colours({"white": (255, 255, 255), "black": (0, 0, 0), "g": (9, 200, 9)}, "x")
    half = Image.fromarray(np.repeat([[[0] * 3, [255] * 3]], 8, 0).astype(np.uint8))
    found = label_map(half, known)
    assert found.labels.tolist() == [[1, 0]] * 8 and not found.notes


def test_black_is_no_class_where_it_was_drawn():
    drawn = COLOURS[np.full((40, 40), 1)].astype(np.uint8)
    drawn[:, 20:] = COLOURS[10]
    drawn[:10] = 0
    labels = label_map(Image.fromarray(drawn), KNOWN).labels
    assert (labels[:10] == 255).all() and (labels[10:, :20] == 1).all()
    made = most_frequent(labels, 8)
    assert made.tolist() == [[255] * 8] * 2 + [[1] * 4 + [10] * 4] * 6


def test_settings_of_classes_are_checked():
    with pytest.raises(
        ValueError, match=r"lacking: \['tower'\] are no classes; they are background"
    ):
        settings(lacking=("tower",))
    with pytest.raises(ValueError, match=r"mirrored: \['left'\] are no classes"):
        settings(mirrored=(("left", "door"),))
    with pytest.raises(ValueError, match="mirrored belongs to condition: labels"):
        settings(condition="edges", classes=None, mirrored=())
    with pytest.raises(ValueError, match="colours of classes must differ"):
        settings(classes={"a": (1, 2, 3), "b": (1, 2, 3)})
    assert settings().spared() == tuple(FACADES)
    assert settings(lacking=("shop",)).spared() == ("shop",)
    assert settings(classes={"a": (1, 2, 3), "b": (200, 2, 3)}).spared() == ()


def test_facades_are_all_accepted_with_nearly_the_nearest_classes(shared):
    paths = sorted((shared / "data" / "facades" / "train").glob("*.jpg"))[::40]
    alike = []
    for path in paths:
        half = np.array(Image.open(path).convert("RGB"))[:, 256:]
        found = label_map(Image.fromarray(half), KNOWN)
        nearest = ((half[:, :, None].astype(int) - COLOURS) ** 2).sum(-1).argmin(-1)
        assert (found.labels == 255).mean() < 0.04
        alike.append((found.labels == nearest)[found.labels < 255].mean())
    assert min(alike) > 0.88 and np.mean(alike) > 0.94


@pytest.mark.parametrize("name", FACADES)
def test_an_area_of_any_class_that_is_not_named_is_told(tmp_path, name):
    """Also where its colour is not far from that of another, as steps of one scale are."""
    place = list(FACADES).index(name)
    drawn = np.repeat(np.repeat(COLOURS[[[0, 1, 5, 8], [10, 11, 2, place]]], 40, 0), 40, 1)
    Image.fromarray(drawn.astype(np.uint8)).save(tmp_path / "a.jpg", quality=80)
    others = known_by_colours({key: FACADES[key] for key in FACADES if key != name}, "name them")
    with pytest.raises(BadPhoto, match=r"has #\w{6} \([0-9.]+%\), which have no class; name them"):
        label_map(Image.open(tmp_path / "a.jpg").convert("RGB"), others)
