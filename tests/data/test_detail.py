"""What stores have small is read again large: the same part, of the same file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from exemplar.data.detail import cache_of, labels_at, photograph_at
from exemplar.data.domains import prepare_domain
from exemplar.data.image_set_settings import DigitsSettings
from exemplar.data.inputs import DomainError
from exemplar.data.rendered import render
from exemplar.data.rendered.settings import RenderedSettings
from exemplar.data.settings import Domain
from exemplar.settings import section
from exemplar.store import layout
from exemplar.store.arrays import array, open_group
from exemplar.store.items import COLUMNS, read_items

SIZE = 16
COLOURS = {"a": (250, 20, 20), "b": (20, 250, 20), "c": (20, 20, 250)}
SPLITS = {"splits": {"val": 0, "test": 0}, "min_side": 8}


def put(path: str, values: np.ndarray, **options: Any) -> None:
    Path("raw", path).parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(values).save(Path("raw", path), **options)


def photograph_of(seed: int, height: int, width: int) -> np.ndarray:
    coarse = np.random.default_rng(seed).integers(0, 256, (6, 6, 3), dtype=np.uint8)
    return np.asarray(Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC))


def labels_of(seed: int, height: int, width: int) -> np.ndarray:
    coarse = np.random.default_rng(seed).integers(0, 3, (height // 8, width // 8), dtype=np.uint8)
    return coarse.repeat(8, 0).repeat(8, 1)


def made(**own: Any) -> tuple[Domain, Any, Any]:
    """A domain's settings, table and store."""
    params = {"domains": {"d": own}, "prepare": {"image_size": SIZE, "workers": 1}}
    prepare_domain("d", params)
    settings = section(params, "domains.d", Domain)
    return settings, read_items(layout.items("d")), open_group(layout.images("d"))


def folder(fit: str) -> dict[str, Any]:
    for seed in range(3):
        put(f"{seed}.png", photograph_of(seed, 40 + 8 * seed, 64))
    turned = Image.Exif()
    turned[0x0112] = 6
    put("turned.png", photograph_of(9, 72, 40), exif=turned)
    return {"kind": "folder", "fit": fit, **SPLITS}


def boxed() -> dict[str, Any]:
    put("a.png", photograph_of(0, 80, 90))
    lines = "path,xmin,ymin,xmax,ymax\na.png,10.5,12,50,43\na.png,60,1,92,40\n"
    Path("raw/boxes.csv").write_text(lines)
    return {"kind": "folder", "boxes": "boxes.csv", "margin": 0.1, **SPLITS}


def pairs(photo: str) -> dict[str, Any]:
    for seed in range(2):
        colours = np.array(list(COLOURS.values()), np.uint8)[labels_of(seed, 48, 64)]
        halves = [photograph_of(seed, 48, 64), colours]
        whole = np.concatenate(halves if photo == "left" else halves[::-1], 1)
        put(f"{'test' if seed else 'train'}/{seed}.png", whole)
    own = {"kind": "pairs", "photo": photo, "condition": "labels", "classes": COLOURS}
    return {**own, **SPLITS}


def labelled(**own: Any) -> dict[str, Any]:
    for seed in range(2):
        split = "test" if seed else "train"
        put(f"{split}/images/{seed}.png", photograph_of(seed, 48, 64))
        put(f"{split}/masks/{seed}.png", labels_of(seed, 48, 64))
    return {"kind": "labelled", "classes": list(COLOURS), **SPLITS, **own}


def celeba() -> dict[str, Any]:
    for seed in range(2):
        put(f"images/{seed}.png", photograph_of(seed, 218, 178))
    return {"kind": "celeba", **SPLITS}


def zappos() -> dict[str, Any]:
    for seed in range(2):
        put(f"images/{seed}.png", photograph_of(seed, 51, 68))
    return {"kind": "zappos", **SPLITS}


def cityscapes() -> dict[str, Any]:
    for split in ("train", "test"):
        put(f"{split}_label/a.png", labels_of(1, 40, 56))
        put(f"{split}_img/a.png", photograph_of(1, 40, 56))
    return {"kind": "cityscapes", "classes": list(COLOURS), "size": [16, 32]}


KINDS = {
    "crop": lambda: folder("crop"),
    "pad": lambda: folder("pad"),
    "boxes": boxed,
    "left": lambda: pairs("left"),
    "right": lambda: pairs("right"),
    "labelled": labelled,
    "central": lambda: labelled(crop=0.7),
    "margins": lambda: labelled(fit="pad"),
    "celeba": celeba,
    "zappos": zappos,
    "cityscapes": cityscapes,
}


@pytest.mark.parametrize("kind", KINDS)
def test_at_the_stores_size_it_is_the_stored_image(kind):
    settings, items, group = made(**KINDS[kind](), root="raw")
    stored = np.asarray(array(group, "image")[:])
    side = max(stored.shape[1:3])
    for row, item in items.iterrows():
        assert (photograph_at(item, settings, side) == stored[row]).all()
        if "labels" in group and kind not in ("left", "right"):  # which take the most frequent
            assert (labels_at(item, settings, side) == array(group, "labels")[row]).all()


@pytest.mark.parametrize("kind", KINDS)
def test_larger_it_is_the_same_part_and_never_more_than_the_file_has(kind):
    settings, items, group = made(**KINDS[kind](), root="raw")
    stored = np.asarray(array(group, "image")[:]).astype(float)
    height, width = stored.shape[1:3]
    for row, item in items.iterrows():
        full = photograph_at(item, settings, 1000)
        wide = (float(item["right"]) - item["left"], float(item["bottom"]) - item["top"])
        assert full.shape == (round(wide[1]), round(wide[0]), 3) and full.dtype == np.uint8
        assert photograph_at(item, settings, 24).shape[:2] == (24 * height // width, 24)
        small = Image.fromarray(full).resize((width, height), Image.Resampling.LANCZOS)
        assert np.abs(np.asarray(small) - stored[row]).mean() < 1.5  # it ends at its border


def test_at_the_files_own_size_no_pixel_is_changed():
    settings, items, _ = made(**labelled(), root="raw")
    for seed, item in enumerate(items.to_dict("records")):  # rows may be dictionaries, too
        square = np.s_[:, 8:56]
        assert (photograph_at(item, settings, 48) == photograph_of(seed, 48, 64)[square]).all()
        assert (labels_at(item, settings, 48) == labels_of(seed, 48, 64)[square]).all()
        assert (labels_at(item, settings, 24) == labels_of(seed, 48, 64)[1::2, 9:56:2]).all()


@pytest.mark.parametrize("photo", ["left", "right"])
def test_of_pairs_either_half_is_found(photo):
    settings, items, _ = made(**pairs(photo), root="raw")
    for seed, (_, item) in enumerate(items.iterrows()):
        square = np.s_[:, 8:56]
        assert (photograph_at(item, settings, 48) == photograph_of(seed, 48, 64)[square]).all()
        assert (labels_at(item, settings, 48) == labels_of(seed, 48, 64)[square]).all()


def test_a_turned_photograph_is_upright():
    settings, items, _ = made(**folder("crop"), root="raw")
    (item,) = items[items["id"] == "turned"].to_dict("records")
    upright = np.rot90(photograph_of(9, 72, 40), -1)
    assert (photograph_at(item, settings, 99) == upright[:, 16:56]).all()


def test_masks_stay_masks():
    own = labelled(classes=["a", "b"])
    for split, seed in (("train", 0), ("test", 1)):
        white = np.where(labels_of(seed, 48, 64) > 0, 255, 0).astype(np.uint8)
        put(f"{split}/masks/{seed}.png", white)
    settings, items, _ = made(**own, root="raw")
    assert (labels_at(items.iloc[0], settings, 48) == (labels_of(0, 48, 64)[:, 8:56] > 0)).all()


def test_a_scene_is_rendered_anew():
    settings = RenderedSettings(train=1, val=0, test=0)
    item = {"id": "rendered-00005", "source": "rendered:5"}
    cache = cache_of(10**8)
    found = photograph_at(item, settings, 64, 7, cache)
    small = render(5, settings, 32, 7)
    assert found.shape == (64, 64, 3)
    means = found.reshape(32, 2, 32, 2, 3).mean((1, 3))
    assert np.abs(means - small.image).mean() < 6  # other noise, the same composition
    other = render(6, settings, 32, 7).image
    assert np.abs(means - other).mean() > 20
    assert len(cache) == 2  # its labels were made with it
    assert (labels_at(item, settings, 64, 7, cache)[1::2, 1::2] == small.labels).mean() > 0.95


def test_what_was_read_is_kept_by_bytes(monkeypatch):
    settings, items, _ = made(**labelled(), root="raw")
    first, second = items.to_dict("records")
    cache = cache_of(48 * 48 * 3 + 20 * 20)
    kept = photograph_at(first, settings, 48, cache=cache)
    assert photograph_at(first, settings, 48, cache=cache) is kept
    labels = labels_at(first, settings, 20, cache=cache)
    assert labels_at(first, settings, 20, cache=cache) is labels and cache.currsize == 7312
    assert photograph_at(second, settings, 48, cache=cache).shape == kept.shape
    assert photograph_at(first, settings, 48, cache=cache) is not kept
    with pytest.raises(ValueError, match="read-only"):
        kept[0, 0] = 0
    other = settings.model_copy(update={"classes": {"a": 2, "b": 1, "c": 0}})
    again = labels_at(first, other, 20, cache=cache)  # one cache may serve several domains
    assert (again == 2 - labels).all()
    tiny = cache_of(10)  # what is larger than all of it is not kept
    assert (photograph_at(first, settings, 48, cache=tiny) == kept).all() and not tiny


def test_what_is_no_longer_there_is_told():
    settings, items, _ = made(**labelled(), root="raw")
    item = items.iloc[0]
    put("train/images/0.png", photograph_of(5, 48, 64))
    with pytest.raises(DomainError, match=r"raw/train/images/0\.png: is another file than when"):
        photograph_at(item, settings, 48)
    Path("raw/train/images/0.png").unlink()
    with pytest.raises(DomainError, match=r"0\.png: cannot be read: No such file.*--force"):
        photograph_at(item, settings, 48)
    put("train/masks/0.png", labels_of(0, 48, 64) + 40)
    with pytest.raises(DomainError, match=r"masks/0\.png: labels 40, 41, 42 have no class"):
        labels_at(item, settings, 48)
    with pytest.raises(DomainError, match="train-0: the domain's table does not say"):
        photograph_at(item[list(COLUMNS)], settings, 48)
    with pytest.raises(DomainError, match="of kind digits comes in files of many small images"):
        photograph_at(item, DigitsSettings(kind="digits"), 48)


def test_what_has_no_photograph_or_no_map_is_told():
    settings, items, _ = made(**folder("crop"), root="raw")
    with pytest.raises(DomainError, match="there is no label map of it in raw"):
        labels_at(items.iloc[0], settings, 32)
    own = cityscapes()
    Path("raw/test_img/a.png").unlink()
    settings, items, _ = made(**own, root="raw")
    with pytest.raises(DomainError, match="a: there is no photograph of it in raw"):
        photograph_at(items.iloc[1], settings, 32)
