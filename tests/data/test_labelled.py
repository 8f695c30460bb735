"""Photographs and label maps of the same names: what is joined, cut alike, said and refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from exemplar.data.ingest import prepare_photographs
from exemplar.data.inputs import BadPhoto, DomainError, Photo
from exemplar.data.labelled import inputs, picture
from exemplar.data.photo_settings import LabelledSettings
from exemplar.data.settings import Domain, PrepareSettings
from exemplar.settings import SettingsError, section
from exemplar.store.arrays import array, open_group
from exemplar.store.items import read_items

OUT = Path("data/d")
COMMON = PrepareSettings(image_size=16, workers=1, rejected_limit=0.5)
CLASSES = ("ground", "left eye", "right eye")
HOW = (
    "Copy or link the data set there, or name its folders under folders:, images: and masks: in "
    "params.yaml (for val and test, null divides train)"
)
SHARED = Path(__file__).resolve().parents[2] / ".." / "shared" / "data" / "celebamask-1k"


def settings(**values: Any) -> LabelledSettings:
    given = {"kind": "labelled", "root": "raw", "classes": CLASSES, "min_side": 8}
    return LabelledSettings.model_validate(given | {"splits": {"val": 0, "test": 0}} | values)


def put(path: str, values: np.ndarray, **options: Any) -> None:
    Path("raw", path).parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(values).save(Path("raw", path), **options)


def labels_of(seed: int, height: int = 32, width: int = 48) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 3, (height, width)).astype(np.uint8)


def write(split: str, name: str, seed: int, **shape: int) -> tuple[np.ndarray, np.ndarray]:
    """A photograph whose red says its class, and its map."""
    labels = labels_of(seed, **shape)
    photograph = np.random.default_rng(seed).integers(0, 99, (*labels.shape, 3)).astype(np.uint8)
    photograph[..., 0] = 100 * labels
    put(f"{split}/images/{name}.png", photograph)
    put(f"{split}/masks/{name}.png", labels)
    return photograph, labels


def both_splits() -> None:
    for number in range(3):
        write("train", f"{number}", number)
    write("test", "0", 9)


def test_a_photograph_and_its_map_get_one_geometry(capsys):
    both_splits()
    prepare_photographs(OUT, settings(), COMMON)
    group, items = open_group(OUT / "images.zarr"), read_items(OUT / "items.parquet")
    assert list(group.attrs["classes"]) == list(CLASSES)
    assert items["id"].tolist() == ["train-0", "train-1", "train-2", "test-0"]
    assert items["split"].tolist() == ["train"] * 3 + ["test"]
    for row, seed in enumerate((0, 1, 2, 9)):
        square = labels_of(seed)[:, 8:40]
        assert (array(group, "labels")[row] == square[1::2, 1::2]).all()
    assert (items[["left", "top", "right", "bottom"]].to_numpy() == [8, 0, 40, 32]).all()
    assert items["labels"][3] == "test/masks/0.png" and not items["masked"].any()
    said = capsys.readouterr().err
    assert "train: 3 label maps, classes by number: " in said
    counts = np.bincount(np.concatenate([labels_of(n)[1::2, 9:41:2] for n in range(3)]).ravel())
    for name, count in zip(CLASSES, counts, strict=True):
        assert f"{name} {100 * count / counts.sum():.0f}%" in said
    assert pd.read_csv(OUT / "rejected.csv").empty


def test_at_the_files_own_size_both_lie_upon_each_other():
    photograph, labels = write("train", "a", 3)
    photo = Photo("train/images/a.png", labels="train/masks/a.png")
    for crop, side, top, left in ((1.0, 32, 0, 8), (0.5, 16, 8, 16)):
        made = picture(Image.fromarray(photograph), photo, settings(crop=crop), side)
        square = np.s_[top : top + side, left : left + side]
        assert (made.arrays["labels"] == labels[square]).all()
        assert (made.arrays["image"] == photograph[square]).all()
        assert made.box == (left, top, left + side, top + side)
        assert (made.width, made.height) == (side, side)


def test_margins_are_white_and_have_no_class():
    photograph, labels = write("train", "a", 3)
    photo = Photo("train/images/a.png", labels="train/masks/a.png")
    made = picture(Image.fromarray(photograph), photo, settings(fit="pad"), 48)
    assert (made.arrays["labels"][8:40] == labels).all()
    assert (made.arrays["image"][8:40] == photograph).all()
    for margin in (np.s_[:8], np.s_[40:]):
        assert (made.arrays["labels"][margin] == 255).all()
        assert (made.arrays["image"][margin] == 255).all()
    assert made.box == (0, -8, 48, 40) and (made.width, made.height) == (48, 32)
    assert list(made.counts) == [*np.bincount(labels.ravel()), 0]  # nobody left margins out


def test_instances_come_with_them():
    both_splits()
    instances = np.random.default_rng(0).integers(0, 65_536, (32, 48)).astype(np.uint16)
    for name in ("train/instances/0", "train/instances/1", "test/instances/0"):
        put(f"{name}.png", instances)
    prepare_photographs(OUT, settings(instances="instances", crop=1), COMMON)
    group = open_group(OUT / "images.zarr")
    found = array(group, "instances")[0]
    assert found.dtype == np.uint16
    assert (found == instances[1::2, 9:41:2]).all()
    (rejected,) = pd.read_csv(OUT / "rejected.csv").to_dict("records")
    assert rejected["source"] == "train/images/2.png"
    assert rejected["reason"] == "no instance map 2 in train/instances"


@pytest.mark.parametrize("suffix", ["png", "jpg"])
def test_classes_may_have_numbers_or_colours(suffix):
    colours = {"ground": [200, 200, 200], "left eye": [250, 0, 0], "right eye": [0, 0, 250]}
    for number, seed in enumerate(range(4)):
        write("train" if number else "test", f"{number}", seed)
        coarse = labels_of(seed, 4, 6).repeat(8, 0).repeat(8, 1)
        split = "train" if number else "test"
        Path("raw", split, "masks", f"{number}.png").unlink()
        put(f"{split}/masks/{number}.{suffix}", np.array(list(colours.values()), np.uint8)[coarse])
        put(f"{split}/numbers/{number}.png", coarse * 20 + 5)
    numbered = settings(masks="numbers", classes={"ground": 5, "left eye": 25, "right eye": 45})
    for given in (settings(classes=colours), numbered):
        prepare_photographs(OUT, given, COMMON)
        labels = array(open_group(OUT / "images.zarr"), "labels")
        true = [labels_of(n, 4, 6)[:, 1:5].repeat(4, 0).repeat(4, 1) for n in (1, 2, 3, 0)]
        exact = 1 if suffix == "png" or given is numbered else 0.95  # JPEG mixes colours at borders
        assert (np.asarray(labels[:]) == np.stack(true)).mean() >= exact


def test_what_has_no_counterpart_is_named():
    both_splits()
    write("train", "Größe", 7)
    put("train/images/alone.png", np.zeros((32, 32, 3), np.uint8))
    put("test/masks/over.png", labels_of(0))
    write("train", "small", 4)
    put("train/masks/small.png", labels_of(0, 16, 24))
    put("train/masks/0.webp", labels_of(0))
    Path("raw/train/masks/2.png").write_bytes(b"none")
    write("train", "odd", 5)
    put("train/masks/odd.png", labels_of(5) + 7)
    prepare_photographs(OUT, settings(), COMMON.model_copy(update={"rejected_limit": 0.9}))
    table = pd.read_csv(OUT / "rejected.csv")
    reasons = dict(zip(table["source"], table["reason"], strict=True))
    assert reasons.pop("train/images/alone.png") == "no label map alone in train/masks"
    assert reasons.pop("test/masks/over.png") == "no photograph over in test/images"
    said = "its label map is 24×16, the photograph 48×32"
    assert reasons.pop("train/images/small.png") == said
    assert reasons.pop("train/masks/0.webp") == "has the same name as train/masks/0.png"
    broken = reasons.pop("train/images/2.png")
    assert broken.startswith("its label map train/masks/2.png: not an image of a known format")
    odd = reasons.pop("train/images/odd.png")
    assert odd.startswith("its label map train/masks/odd.png: labels 7, 8, 9 have no class")
    assert "classes are 0 ground, 1 left eye, 2 right eye" in odd
    assert not reasons


def test_all_problems_of_one_photograph_are_told_together():
    photograph, _ = write("train", "a", 0)
    put("train/masks/a.png", labels_of(0, 8, 8) + 9)
    put("train/instances/a.png", photograph)
    photo = Photo("a", labels="train/masks/a.png", instances="train/instances/a.png")
    with pytest.raises(BadPhoto) as caught:
        picture(Image.fromarray(photograph), photo, settings(min_side=40), 16)
    said = str(caught.value).split("; ")
    for wanted in ("instance map train/instances/a.png: expected one number", "label map is 8×8",
                   "a.png: labels 9, 10, 11 have no class", "too small: 32×32"):  # fmt: skip
        assert any(wanted in each for each in said), wanted


def test_all_missing_folders_are_told_together():
    put("train/images/a.png", np.zeros((32, 32, 3), np.uint8))
    with pytest.raises(DomainError) as caught:
        inputs(settings(folders={"train": "train", "val": None, "test": "held"}))
    assert str(caught.value).splitlines() == [
        "raw: 3 things are wrong:",
        "  held/images: expected a folder of photographs of test, but there is none",
        "  held/masks: expected a folder of label maps of test, but there is none",
        "  train/masks: expected a folder of label maps of train, but there is none",
        HOW,
    ]


def test_one_folder_is_divided():
    for number in range(8):
        labels = labels_of(number)
        put(f"photos/{number}.png", np.repeat(labels[..., None] * 9, 3, -1))
        put(f"maps/{number}.png", labels)
    one = {"train": ".", "val": None, "test": None}
    given = {"folders": one, "images": "photos", "masks": "maps"}
    prepare_photographs(OUT, settings(**given, splits={"val": 2, "test": 1}), COMMON)
    items = read_items(OUT / "items.parquet")
    assert items["split"].value_counts().to_dict() == {"train": 5, "val": 2, "test": 1}
    assert sorted(items["id"]) == [f"{number}" for number in range(8)]


@pytest.mark.parametrize(("own", "said"), [
    ({"classes": (*CLASSES, "hat")}, "no pixel is hat: see that classes have the numbers"),
    ({"ignore": (0, 1)}, "are to be ignored, too"),
    ({"classes": {"eye": 2}, "ignore": (0, 1)}, "classes must be 2 to 255"),
    ({"classes": {"eye": 2, "other": 9}, "ignore": (0, 1)}, "% of the pixels have no class"),
])  # fmt: skip
def test_empty_classes_and_unlabelled_maps_are_refused(own, said):
    both_splits()
    with pytest.raises((DomainError, ValueError), match=said):
        prepare_photographs(OUT, settings(**own), COMMON)
    assert not (OUT / "items.parquet").exists()


def test_a_class_may_be_spared():
    both_splits()
    prepare_photographs(OUT, settings(classes=(*CLASSES, "hat"), lacking=["hat"]), COMMON)
    assert list(open_group(OUT / "images.zarr").attrs["classes"]) == [*CLASSES, "hat"]


def test_masks_of_black_and_white_are_two_classes_if_all_are(capsys):
    for number in range(4):
        split = "train" if number else "test"
        write(split, f"{number}", number)
        white = np.where(labels_of(number) > 0, 255, 0).astype(np.uint8)
        put(f"{split}/masks/{number}.png", white if number != 3 else np.zeros_like(white))
    two = settings(classes=("ground", "animal"))
    prepare_photographs(OUT, two, COMMON)
    assert read_items(OUT / "items.parquet")["masked"].all()
    labels = array(open_group(OUT / "images.zarr"), "labels")
    assert (labels[0] == (labels_of(1)[1::2, 9:41:2] > 0)).all() and not np.any(labels[2])
    assert "classes by black and white" in capsys.readouterr().err
    put("train/masks/3.png", (labels_of(3) > 0).astype(np.uint8))  # a number, so 255 is no class
    prepare_photographs(OUT, two, COMMON)
    labels = array(open_group(OUT / "images.zarr"), "labels")
    assert set(np.unique(labels[0])) == {0, 255} and set(np.unique(labels[2])) == {0, 1}


def test_a_palette_that_is_numbered_anew_is_noticed():
    colours = np.array([[1, 40, 200], [200, 4, 60], [90, 200, 3]], np.uint8)
    for number in range(5):
        split = "train" if number else "test"
        write(split, f"{number}", number)
        labels = labels_of(number)
        order = [1, 0, 2] if number == 2 else [0, 1, 2]
        image = Image.fromarray(np.argsort(order).astype(np.uint8)[labels])
        image.putpalette(colours[order].tobytes())
        image.save(Path("raw", split, "masks", f"{number}.png"))
    prepare_photographs(OUT, settings(), COMMON)
    (rejected,) = pd.read_csv(OUT / "rejected.csv").to_dict("records")
    assert rejected["source"] == "train/images/2.png"
    assert "#0128c8 is 1, in others 0" in rejected["reason"]


def test_a_map_that_changes_meanwhile_is_noticed(monkeypatch):
    both_splits()
    from exemplar.data import ingest

    def change(*_: Any) -> None:
        put("train/masks/1.png", labels_of(77))

    monkeypatch.setattr(ingest, "tell_classes", change)
    with pytest.raises(DomainError, match=r"train/masks/1\.png: changed while the domain was"):
        prepare_photographs(OUT, settings(), COMMON)


@pytest.mark.parametrize(("own", "said"), [
    ({"classes": ["a", "a", "b"]}, "more than one is called a"),
    ({"classes": {"a": 3, "b": [1, 2, 3]}}, "numbers or colours, all of them the same"),
    ({"classes": {"a": [1, 2, 3], "b": [1, 2, 3]}}, "two classes have the same"),
    ({"classes": {"a": 3, "b": 3}}, "each must have a number of its own"),
    ({"classes": ["a", "b"], "lacking": ["c"]}, r"lacking: \['c'\] are no classes"),
    ({"classes": ["a", "b"], "mirrored": [["a", "c"]]}, r"mirrored: \['c'\] are no classes"),
    ({"classes": ["a", "b"], "fit": "pad", "crop": 0.5}, "crop belongs to fit: crop"),
    ({"classes": ["a", "b"], "mask": "x"}, "did you mean 'masks'|Extra inputs"),
])  # fmt: skip
def test_settings_that_do_not_fit_say_so(own, said):
    domain = {"kind": "labelled", "root": "r"} | own
    with pytest.raises(SettingsError, match=said):
        section({"domains": {"d": domain}}, "domains.d", Domain)


def test_a_class_may_have_the_number_255():
    assert settings(classes={"a": 0, "b": 255}).ignore == ()
    assert settings().ignore == (255,)


@pytest.mark.skipif(not SHARED.is_dir(), reason="needs ../shared/data/celebamask-1k")
def test_faces_with_their_parts():
    names = (
        "background", "skin", "nose", "glasses", "l_eye", "r_eye", "l_brow", "r_brow", "l_ear",
        "r_ear", "mouth", "u_lip", "l_lip", "hair", "hat", "ear_r", "necklace", "neck", "cloth",
    )  # fmt: skip
    for split, count in (("train", 3), ("test", 1)):
        for file in sorted((SHARED / split / "images").glob("*.jpg"))[:count]:
            for part, source in (("images", file), ("masks", SHARED / split / "masks")):
                target = Path("raw", split, part, file.name)
                target.parent.mkdir(parents=True, exist_ok=True)
                if part == "masks":
                    source, target = source / f"{file.stem}.png", target.with_suffix(".png")
                target.symlink_to(source.resolve())
    prepare_photographs(OUT, settings(classes=names, lacking=names, size=64), COMMON)
    group, items = open_group(OUT / "images.zarr"), read_items(OUT / "items.parquet")
    assert items["split"].tolist() == ["train"] * 3 + ["test"]
    assert set(items["width"]) == set(items["height"]) == {512}
    labels = np.asarray(array(group, "labels")[:])
    for row, item in items.iterrows():
        whole = np.asarray(Image.open(Path("raw", item["labels"])))
        assert (labels[row] == whole[4::8, 4::8]).all()
    assert {"skin", "nose", "hair"} <= {names[n] for n in np.unique(labels)}
    image = np.asarray(array(group, "image")[:]).astype(float)
    skin, ground = image[labels == 1].mean(0), image[labels == 0].mean(0)
    assert skin[0] - skin[2] > ground[0] - ground[2] + 10  # faces are redder than what is behind
