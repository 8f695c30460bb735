from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from exemplar.data import cityscapes, layouts
from exemplar.data.inputs import BadPhoto, DomainError
from exemplar.data.layout_settings import CITYSCAPES, CityscapesSettings
from exemplar.data.settings import Domain, PrepareSettings
from exemplar.settings import SettingsError, section
from exemplar.store.arrays import array, open_group

SHARED = Path(__file__).resolve().parents[2] / ".." / "shared" / "data" / "cityscapes"
real = pytest.mark.skipif(not SHARED.is_dir(), reason="needs ../shared/data/cityscapes")
COMMON = PrepareSettings(workers=1, image_size=16)
NAMES = {"label": "_gtFine_labelIds", "inst": "_gtFine_instanceIds", "img": "_leftImg8bit"}


def settings(**values) -> CityscapesSettings:
    given = {"root": Path("raw"), "size": (16, 32), "classes": ("road", "sky", "car")}
    return CityscapesSettings.model_validate({"kind": "cityscapes", **given, **values})


def put(split: str, part: str, name: str, values: np.ndarray, suffix: str | None = None) -> None:
    folder = Path("raw", f"{split}_{part}")
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}{NAMES[part] if suffix is None else suffix}.png"
    Image.fromarray(values).save(path)


def maps(seed: int, shape=(32, 64)) -> tuple[np.ndarray, ...]:
    """A photograph, labels and instances."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 3, shape).astype(np.uint8)
    instances = labels.astype(np.uint16) * 1000 + rng.integers(0, 4, shape).astype(np.uint16)
    return rng.integers(0, 256, (*shape, 3), np.uint8), labels, instances


def write(split: str, name: str, seed: int, photograph: bool = True, suffix=None) -> tuple:
    made = maps(seed)
    for part, values in zip(("img", "label", "inst"), made, strict=True):
        if part != "img" or photograph:
            put(split, part, name, values, suffix)
    return made


def test_a_domain_of_layouts_some_without_photographs():
    photograph, labels, instances = write("train", "a", 0)
    write("train", "b", 1, photograph=False)  # nothing to learn from
    labels[3, 5] = 255
    put("train", "label", "a", labels)
    write("test", "c", 2, photograph=False, suffix="")  # names without Cityscapes' endings
    layouts.prepare_layouts(Path("data/street"), settings(), COMMON)
    group = open_group("data/street/images.zarr")
    assert group.attrs["classes"] == ["road", "sky", "car"]
    assert array(group, "photographed")[:].tolist() == [1, 0]
    seen = array(group, "image")[:]
    assert seen.shape == (2, 16, 32, 3) and not seen[1].any()
    means = photograph.reshape(16, 2, 32, 2, 3).mean((1, 3))
    assert np.abs(seen[0] - means).mean() < 25  # Lanczos is no mean of blocks, but near it
    assert (array(group, "labels")[0] == labels[1::2, 1::2]).all()
    assert (labels[1::2, 1::2] == 255).sum() == 1
    assert (array(group, "instances")[0] == instances[1::2, 1::2]).all()
    table = pd.read_parquet("data/street/items.parquet")
    assert table["id"].tolist() == ["a", "c"] and table["split"].tolist() == ["train", "test"]
    assert table["source"].tolist() == ["train_img/a_leftImg8bit.png", "test_label/c.png"]
    assert (table["width"].unique(), table["height"].unique()) == ([64], [32])
    rejected = pd.read_csv("data/street/rejected.csv")
    assert rejected["source"].tolist() == ["train_label/b_gtFine_labelIds.png"]
    assert rejected["reason"][0].startswith("left out: no photograph b in train_img")


def test_all_problems_of_a_layout_and_of_all_layouts_are_told(capsys):
    write("train", "good", 0)
    photograph, labels, instances = maps(1)
    put("train", "img", "odd", photograph[:, :60])
    put("train", "label", "odd", labels + 2)
    put("train", "inst", "odd", np.repeat(instances[..., None] > 0, 3, 2).astype(np.uint8))
    put("train", "img", "lost", photograph)
    put("train", "label", "alone", labels)
    put("train", "img", "alone", photograph)
    with pytest.raises(DomainError, match="3 of 4 inputs rejected"):
        layouts.prepare_layouts(Path("data/street"), settings(), COMMON)
    told = pd.read_csv("data/street/rejected.csv").set_index("source")["reason"]
    assert told["train_img/lost_leftImg8bit.png"] == "no label map lost in train_label"
    assert "no instance map alone in train_inst" in told["train_label/alone_gtFine_labelIds.png"]
    odd = told["train_label/odd_gtFine_labelIds.png"]
    assert "its photograph is 60×32, its label map 64×32" in odd
    assert "expected one number a pixel" in odd and "got mode RGB" in odd
    assert "labels 3, 4 have no class; expected 0 to 2. They are at" in odd
    assert "; name them in classes or in ignore" in odd
    assert not Path("data/street/images.zarr").exists()


def test_without_layouts_or_photographs_it_says_what_to_do():
    with pytest.raises(DomainError, match="train_label: expected a folder of label maps.*params"):
        cityscapes.inputs(settings())
    write("train", "a", 0, photograph=False)
    write("test", "b", 0)
    with pytest.raises(DomainError, match="no layout of train_label has its photograph"):
        layouts.prepare_layouts(Path("data/street"), settings(), COMMON)


def test_other_proportions_take_the_middle_of_all_three():
    photograph, labels, instances = write("train", "a", 3)
    files = cityscapes.inputs(settings())[0][0]
    made = cityscapes.read(files, settings(size=(32, 32)))
    assert (made.labels == labels[:, 16:48]).all()
    assert (made.instances == instances[:, 16:48]).all()
    assert (made.image == photograph[:, 16:48]).all()
    assert made.image.shape == (32, 32, 3)


def test_instances_of_32_bits_are_numbered_anew():
    _, labels, _ = write("train", "a", 0)
    wide = np.where(labels == 1, 2_000_000_000, 70_000).astype(np.int32)
    Path("raw/train_inst/a_gtFine_instanceIds.png").unlink()
    Image.fromarray(wide).save("raw/train_inst/a_gtFine_instanceIds.tif")
    files = cityscapes.inputs(settings())[0][0]
    made = cityscapes.read(files, settings(size=(32, 64)))
    assert (made.instances == (labels == 1)).all() and made.instances.dtype == np.uint16


def test_a_file_that_cannot_be_read_is_told():
    write("train", "a", 0)
    Path("raw/train_label/a_gtFine_labelIds.png").write_bytes(b"no image")
    files = cityscapes.inputs(settings())[0][0]
    with pytest.raises(
        BadPhoto, match="train_label/a_gtFine_labelIds.png: not an image of a known format"
    ):
        cityscapes.read(files, settings())


def test_settings_name_classes_by_place_or_number():
    def domain(**values):
        given = {"kind": "cityscapes", "root": "r", **values}
        return section({"domains": {"d": given}}, "domains.d", Domain)

    assert list(domain().numbers()) == list(CITYSCAPES) and domain().numbers()["bicycle"] == 33
    assert domain(classes={"road": 7, "sky": 23}).numbers() == {"road": 7, "sky": 23}
    with pytest.raises(SettingsError, match="each must have a number of its own"):
        domain(classes={"road": 7, "sky": 7})
    with pytest.raises(SettingsError, match=r"\[7\] are numbers of classes and are to be ignored"):
        domain(classes={"road": 7, "sky": 8}, ignore=[7])


@real
def test_the_published_sample_of_cityscapes():
    given = settings(root=SHARED, classes="cityscapes", size=(32, 64))
    found, rejections = cityscapes.inputs(given)
    assert [files.split for files in found] == ["train"] * 2 + ["test"] * 15
    assert len(rejections) == 6 and not any(each.bad for each in rejections)
    made = cityscapes.read(found[0], given)
    assert CITYSCAPES[made.labels[25, 32]] == "road" and made.image.std() > 20
    assert made.instances.max() > 1000  # numbered within their class, in 16 bits
