"""Domains of label maps: what is told before anything is trained on them, and what is said."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from exemplar.data import layouts
from exemplar.data.inputs import DomainError
from exemplar.data.layout_settings import CityscapesSettings
from exemplar.data.settings import Domain, PrepareSettings
from exemplar.labels.colours import label_palette
from exemplar.settings import SettingsError, section
from exemplar.store.arrays import array, open_group

COMMON = PrepareSettings(workers=1, rejected_limit=0.5)
LABELS = np.zeros((16, 32), np.uint8)
LABELS[:, 8:20] = 1
LABELS[10:] = 2


def put(name: str, labels: Image.Image | np.ndarray, suffix: str = ".png") -> None:
    """A training layout: a photograph of its own and the label map."""
    image = Image.fromarray(labels) if isinstance(labels, np.ndarray) else labels
    for part in ("label", "img"):
        Path("raw", f"train_{part}").mkdir(parents=True, exist_ok=True)
    image.save(Path("raw/train_label", name + suffix))
    noise = np.random.default_rng(len(name) + ord(name[-1])).integers(0, 256, (16, 32, 3), np.uint8)
    Image.fromarray(noise).save(Path("raw/train_img", f"{name}.png"))


def prepare(**values) -> np.ndarray:
    given = {
        "kind": "cityscapes",
        "root": "raw",
        "size": (16, 32),
        "classes": ("sky", "sea", "car"),
    }
    layouts.prepare_layouts(Path("d"), CityscapesSettings.model_validate(given | values), COMMON)
    return np.asarray(array(open_group("d/images.zarr"), "labels")[:])


def reasons() -> dict[str, str]:
    return pd.read_csv("d/rejected.csv").set_index("source")["reason"].to_dict()


def test_a_class_without_pixels_is_told_with_all_shares(capsys):
    put("a", np.minimum(LABELS, 1))
    with pytest.raises(DomainError, match=r"no pixel is car: .*say so by lacking: \[car\]"):
        prepare()
    assert not Path("d/images.zarr").exists()
    assert "train_label: 1 label map, classes by number: sea 61%, sky 39%; none of car" in (
        capsys.readouterr().err
    )
    assert prepare(lacking=["car"]).max() == 1
    with pytest.raises(SettingsError, match=r"lacking: \['tree'\] are no classes; they are sky"):
        domain = {"kind": "cityscapes", "root": "r", "classes": ["sky", "sea"], "lacking": ["tree"]}
        section({"domains": {"d": domain}}, "domains.d", Domain)


def test_half_of_the_pixels_without_a_class_are_told():
    put("a", np.where(np.arange(32) < 14, LABELS, 255).astype(np.uint8))
    with pytest.raises(DomainError, match="56% of the pixels have no class, more than 50%"):
        prepare(lacking=["car", "sea", "sky"])
    put("b", LABELS)
    assert (prepare() == 255).mean() == 9 / 32


def test_one_class_alone_is_nothing_to_learn_from():
    put("a", LABELS * 0)
    with pytest.raises(DomainError, match="only one class has pixels"):
        prepare(classes="cityscapes")


def test_masks_are_two_classes_if_all_maps_are(capsys):
    mask = (LABELS == 2).astype(np.uint8)
    put("a", mask * 255)
    put("b", mask * 0)
    put("c", mask * 255, suffix=".jpg")
    two = {"classes": ("ground", "leaf")}
    found = prepare(**two)
    assert (found[0] == mask).all() and (found[1] == 0).all() and (found[2] != mask).mean() < 0.02
    said = capsys.readouterr().err
    assert "note: train_label/a.png and 1 more: masks of 0 and 255 were taken for the two" in said
    assert "black is ground, white is leaf" in said and "train_label/c.jpg" in said
    put("d", mask)  # a map of numbers: so 255 says that a pixel has no class, as in settings
    put("b", LABELS % 2)
    Path("raw/train_label/c.jpg").unlink()
    found = prepare(**two)
    assert (found[0] == np.where(mask, 255, 0)).all() and (found[2] == mask).all()


def test_masks_for_three_classes_are_refused():
    put("a", (LABELS == 2).astype(np.uint8) * 255)
    with pytest.raises(DomainError, match="no pixel is sea, car"):
        prepare()


def test_255_may_be_a_class():
    put("a", (LABELS == 2).astype(np.uint8) * 255)
    assert (prepare(classes={"ground": 0, "leaf": 255})[0] == (LABELS == 2)).all()


def test_numbers_from_one_are_told_and_can_be_named():
    put("a", LABELS + 1)
    with pytest.raises(DomainError, match="labels 3 have no class.*seem to begin at 1"):
        prepare()
    assert (prepare(classes={"sky": 1, "sea": 2, "car": 3})[0] == LABELS).all()


def test_maps_of_colours_are_read_by_those_that_are_named(capsys):
    own = {"sky": (0, 0, 0), "sea": (10, 20, 250), "car": (250, 20, 10)}
    table = np.array(list(own.values()), np.uint8)
    put("a", table[LABELS])
    put("b", Image.fromarray(table[LABELS]).quantize())
    put("c", table[LABELS], suffix=".jpg")
    with pytest.raises(DomainError, match="2 of 3 inputs rejected"):
        prepare()
    assert "of a map of colours, name that of each class in colours" in "".join(reasons().values())
    found = prepare(colours=own)
    assert (found[:2] == LABELS).all() and (found[2] == LABELS).mean() > 0.95
    assert "train_label/c.jpg: is smoothed or compressed" in capsys.readouterr().err
    put("d", np.where(LABELS[..., None] == 1, (1, 200, 2), table[LABELS]).astype(np.uint8))
    prepare(colours=own)
    assert "#01c802 (23%)" in reasons()["train_label/d.png"]


def test_a_palette_numbered_anew_is_told_where_no_colours_are_known():
    palette = np.array([[0, 0, 0], [128, 0, 0], [0, 128, 0]], np.uint8)
    turned = np.array([2, 0, 1], np.uint8)
    for name in "abc":
        image = Image.fromarray(LABELS if name != "c" else turned[LABELS])
        table = palette if name != "c" else palette[np.argsort(turned)]
        image.putpalette(table.tobytes())
        put(name, image)
    assert len(prepare()) == 2
    assert "#000000 is 2, in others 0" in reasons()["train_label/c.png"]
    own = dict(zip(("sky", "sea", "car"), palette.tolist(), strict=True))
    assert (prepare(colours=own) == LABELS).all()


def test_the_palette_that_maps_are_shown_in_is_known(capsys):
    turned = np.array([2, 0, 1], np.uint8)
    image = Image.fromarray(turned[LABELS])
    image.putpalette(label_palette()[:3][np.argsort(turned)].tobytes())
    put("a", image)
    assert (prepare()[0] == LABELS).all()
    assert "numbers and colours disagree" in capsys.readouterr().err


def test_every_file_is_used_or_named(capsys):
    put("a", LABELS)
    put("b", LABELS, suffix=".PNG")
    folder = Path("raw/train_label")
    for name in ("notes.txt", "Thumbs.db", ".DS_Store", "._a.png", ".ipynb_checkpoints/a.png"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text("none")
    noise = np.random.default_rng(0).integers(0, 256, (16, 32, 3), np.uint8)
    Image.fromarray(noise).save(folder / "photo.jpg")
    Image.fromarray(noise).save("raw/train_img/photo.png")
    Image.fromarray(noise).save("raw/train_img/lost.png")
    assert len(prepare()) == 2
    left = {"notes.txt", "Thumbs.db", ".DS_Store", "._a.png", ".ipynb_checkpoints/"}
    assert set(reasons()) == {f"train_label/{name}" for name in left} | {
        "train_label/photo.jpg", "train_img/lost.png",
    }  # fmt: skip
    said = capsys.readouterr().err
    assert all(f"train_label/{name}" in said for name in left)


def test_pairs_that_a_mirror_exchanges_are_kept_with_the_images():
    put("a", LABELS)
    prepare(mirrored=[["sky", "car"]])
    assert open_group("d/images.zarr").attrs["mirrored"] == [["sky", "car"]]
    with pytest.raises(SettingsError, match=r"mirrored: \['tree'\] are no classes"):
        domain = {"kind": "cityscapes", "root": "r", "mirrored": [["car", "tree"]]}
        section({"domains": {"d": domain}}, "domains.d", Domain)
