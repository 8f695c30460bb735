from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from exemplar.data import image_sets
from exemplar.data.image_set_settings import DigitsSettings, IdxSettings
from exemplar.data.image_sets import coloured, prepare_image_set
from exemplar.data.inputs import DomainError
from exemplar.data.settings import PrepareSettings
from exemplar.store.arrays import array, open_group
from exemplar.store.items import COLUMNS, read_items

COMMON = PrepareSettings(image_size=16, seed=7, workers=1)
OUT = Path("data/d")


def idx(root: Path, **given) -> IdxSettings:
    values = {"kind": "idx", "root": root, "classes": "fashion", "licence": "MIT", **given}
    return IdxSettings.model_validate(values)


def pixels(seed: int, count: int, side: int = 9) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (count, side, side), dtype=np.uint8)


def save(path: Path, values: np.ndarray) -> None:
    header = bytes([0, 0, 8, values.ndim])
    lengths = np.array(values.shape, ">u4")
    path.write_bytes(header + lengths.tobytes() + values.tobytes())


@pytest.fixture
def root(tmp_path) -> Path:
    """Twenty training and six test images; image 3 is image 2 again, label n is n modulo 10."""
    folder = tmp_path / "r"
    folder.mkdir()
    train = pixels(0, 20)
    train[3] = train[2]
    for name, images in (("train", train), ("t10k", pixels(1, 6))):
        save(folder / f"{name}-images-idx3-ubyte", images)
        save(folder / f"{name}-labels-idx1-ubyte", (np.arange(len(images)) % 10).astype(np.uint8))
    return folder


def stored() -> np.ndarray:
    return np.asarray(array(open_group(OUT / "images.zarr"), "image")[:])


def contents() -> dict[str, bytes]:
    return {p.relative_to(OUT).as_posix(): p.read_bytes() for p in OUT.rglob("*") if p.is_file()}


def test_store_and_table_describe_the_same_images(root):
    prepare_image_set(OUT, idx(root, val=4), COMMON)
    items = read_items(OUT / "items.parquet")
    assert tuple(items) == COLUMNS
    assert items["split"].tolist() == ["train"] * 16 + ["val"] * 4 + ["test"] * 6
    train, test = [f"train-{n:05d}" for n in range(20)], [f"test-{n:05d}" for n in range(6)]
    assert items["id"].tolist() == train + test  # the last training images are held out
    assert items["category"][9] == "Ankle boot"
    assert items["category"][21] == "Trouser"
    assert items["source"][17] == "train-images-idx3-ubyte#17"
    assert items["source"][21] == "t10k-images-idx3-ubyte#1"
    assert set(items["licence"]) == {"MIT"}
    assert set(items["width"]) == set(items["height"]) == {9}
    given = np.concatenate([pixels(0, 20), pixels(1, 6)])
    given[3] = given[2]
    images = stored()
    assert images.shape == (26, 9, 9, 3)
    assert images.dtype == np.uint8
    for row in range(26):
        assert (images[row] == given[row][..., None]).all()
        assert (
            items["sha256"][row] == hashlib.sha256(bytes(given[row].ravel().tolist())).hexdigest()
        )
    assert (OUT / "rejected.csv").read_text() == "source,reason\n"
    assert not [p for p in Path(".work").rglob("*") if p.is_file()]


def test_without_labels_there_are_no_categories(root):
    for path in root.glob("*labels*"):
        path.unlink()
    prepare_image_set(OUT, idx(root), COMMON)
    assert set(read_items(OUT / "items.parquet")["category"]) == {""}


def test_limits_keep_ids_and_say_what_was_left_out(root):
    prepare_image_set(OUT, idx(root, val=4, limit={"train": 5, "test": 0}), COMMON)
    items = read_items(OUT / "items.parquet")
    assert items["split"].value_counts().to_dict() == {"train": 5, "val": 4}
    given = pixels(0, 20)
    given[3] = given[2]
    for image, name in zip(stored(), items["id"], strict=True):
        assert (image[..., 0] == given[int(name.removeprefix("train-"))]).all()
    rejected = pd.read_csv(OUT / "rejected.csv")
    assert len(rejected) == 11 + 6
    assert "left out: train has as many as its limit asks for" in set(rejected["reason"])


def test_val_may_not_take_everything(root):
    with pytest.raises(DomainError, match="val takes 20 of 20 training images"):
        prepare_image_set(OUT, idx(root, val=20), COMMON)
    assert not OUT.exists()


def test_what_is_wrong_overwrites_nothing(root):
    prepare_image_set(OUT, idx(root), COMMON)
    before = contents()
    path = root / "train-images-idx3-ubyte"
    path.write_bytes(path.read_bytes()[:-5])
    with pytest.raises(DomainError, match="cut short: expected 1,636 bytes, found 1,631"):
        prepare_image_set(OUT, idx(root), COMMON)
    assert contents() == before


class Killed(BaseException):
    """Ends a run as a signal does: nothing catches it."""


def test_interrupted_run_goes_on_where_it_was(root, monkeypatch):
    monkeypatch.setattr(image_sets, "SHARD", 5)
    prepare_image_set(OUT, idx(root), COMMON)
    whole, calls = contents(), []
    for path in OUT.rglob("*"):
        if path.is_file():
            path.unlink()

    def counted(images, size):
        calls.append(len(images))
        if len(calls) == 4:
            raise Killed
        return coloured(images, size)

    monkeypatch.setattr(image_sets, "coloured", counted)
    with pytest.raises(Killed):
        prepare_image_set(OUT, idx(root), COMMON)
    assert not (OUT / "images.zarr" / "zarr.json").exists()
    prepare_image_set(OUT, idx(root), COMMON)
    assert calls == [5, 5, 5, 5] + [5, 5, 1]  # what was made before the fourth is not made again
    assert contents() == whole


def test_sizes(root):
    images = pixels(2, 3)
    assert (coloured(images, 9) == images[..., None]).all()
    smaller = coloured(images, 8)
    for image, made in zip(images, smaller, strict=True):
        expected = np.asarray(Image.fromarray(image).resize((8, 8), Image.Resampling.LANCZOS))
        assert (made == expected[..., None]).all()
    stroke = np.zeros((1, 8, 8), np.uint8)
    stroke[0, :, 3] = 255
    wide = coloured(stroke, 32)[0, :, :, 0]
    assert wide.max() > 240
    assert not wide[:, :8].any()  # no echo on the black ground
    assert not wide[:, 20:].any()
    colours = np.random.default_rng(0).integers(0, 256, (2, 9, 9, 3), dtype=np.uint8)
    assert (coloured(colours, 9) == colours).all()
    assert coloured(colours, 12).shape == (2, 12, 12, 3)
    prepare_image_set(OUT, idx(root, size=12), COMMON)
    assert stored().shape == (26, 12, 12, 3)


def test_digits_need_no_files():
    prepare_image_set(OUT, DigitsSettings(kind="digits", limit={"train": 300}), COMMON)
    items, images = read_items(OUT / "items.parquet"), stored()
    assert images.shape == (900, 32, 32, 3)
    assert items["split"].value_counts().to_dict() == {"test": 600, "train": 300}
    assert set(items["category"]) == set("0123456789")
    assert items["id"].str.fullmatch(r"digit-\d{5}").all()
    # A zero is dark in the middle, a one is bright there, and both are dark at the left.
    means = {name: images[(items["category"] == name).to_numpy(), :, :, 0].mean(0) for name in "01"}
    assert means["0"][12:20, 14:18].mean() < 60 < 180 < means["1"][12:20, 14:18].mean()
    assert max(mean[:, :3].max() for mean in means.values()) < 30


def test_digits_are_divided_by_content_and_seed():
    few = DigitsSettings(kind="digits", size=8)
    splits = []
    for seed in (7, 7, 8):
        prepare_image_set(OUT, few, COMMON.model_copy(update={"seed": seed}))
        items = read_items(OUT / "items.parquet")
        splits.append(set(items["id"][items["split"] == "test"]))
    assert splits[0] == splits[1] != splits[2]
    assert [len(split) for split in splits] == [600] * 3
    assert items["split"].value_counts()["train"] == 1197
