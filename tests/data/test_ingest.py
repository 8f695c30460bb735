from __future__ import annotations

import io
import os
import re
import shutil
import tempfile
from contextlib import chdir
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from exemplar.data import ingest
from exemplar.data.ingest import prepare_photographs
from exemplar.data.inputs import DomainError
from exemplar.data.photo_settings import FolderSettings, PairsSettings, PetsSettings
from exemplar.data.settings import PrepareSettings
from exemplar.store.arrays import array, open_group
from exemplar.store.items import COLUMNS, FILES, read_items

LENIENT = PrepareSettings(image_size=16, rejected_limit=1, workers=1)
OUT = Path("data/d")


def folder(root, **values) -> FolderSettings:
    return FolderSettings(kind="folder", root=root, min_side=8, licence="CC0-1.0", **values)


def images(out: Path = OUT, name: str = "image") -> np.ndarray:
    return np.asarray(array(open_group(out / "images.zarr"), name)[:])


def rejected(out: Path = OUT) -> dict[str, str]:
    table = pd.read_csv(out / "rejected.csv", keep_default_na=False)
    assert list(table) == ["source", "reason"]
    return dict(zip(table["source"], table["reason"], strict=True))


def contents(out: Path) -> dict[str, bytes]:
    return {p.relative_to(out).as_posix(): p.read_bytes() for p in out.rglob("*") if p.is_file()}


@pytest.fixture
def root(tmp_path, save) -> Path:
    for seed in range(70):  # more than a shard
        save(tmp_path / "r" / f"{'cats' if seed % 2 else 'dogs'}" / f"{seed:02}.png", seed, 30, 20)
    return tmp_path / "r"


def test_store_and_table_describe_the_same_images(root, colours):
    prepare_photographs(OUT, folder(root), LENIENT)
    items = read_items(OUT / "items.parquet")
    assert tuple(items) == COLUMNS + FILES
    assert items["split"].tolist() == ["train"] * 59 + ["val"] * 4 + ["test"] * 7
    assert set(items["licence"]) == {"CC0-1.0"}
    assert set(items["width"]) == set(items["height"]) == {20}
    pixels = images()
    assert pixels.shape == (70, 16, 16, 3)
    assert pixels.dtype == np.uint8
    for row, item in items.iterrows():
        assert item["id"] == item["source"][:-4].replace("/", "-")
        assert item["category"] == item["source"][:4]
        photo = Image.fromarray(colours(int(item["source"][5:7]), 30, 20))
        square = photo.resize((16, 16), Image.Resampling.LANCZOS, box=(5, 0, 25, 20))
        assert (pixels[row] == np.asarray(square)).all()
    assert rejected() == {}
    assert not [p for p in Path(".work").rglob("*") if p.is_file()]  # nothing unfinished is left


def test_bytes_do_not_depend_on_workers_runs_or_place(root, tmp_path):
    prepare_photographs(OUT, folder(root), LENIENT)
    first = contents(OUT)
    shutil.copytree(root, tmp_path / "elsewhere")
    two = LENIENT.model_copy(update={"workers": 2})
    prepare_photographs(tmp_path / "x" / "d", folder(tmp_path / "elsewhere"), two)
    assert contents(tmp_path / "x" / "d") == first
    assert str(tmp_path).encode() not in b"".join(first.values())


def test_a_domain_may_have_its_own_size(root, colours):
    prepare_photographs(OUT, folder(root, size=18, limit=3), LENIENT)
    pixels = images()
    assert pixels.shape == (9, 18, 18, 3)
    first = int(read_items(OUT / "items.parquet")["source"][0][5:7])
    photo = Image.fromarray(colours(first, 30, 20))
    square = photo.resize((18, 18), Image.Resampling.LANCZOS, box=(5, 0, 25, 20))
    assert (pixels[0] == np.asarray(square)).all()


class Killed(BaseException):
    """Ends a run as a signal does: nothing catches it."""


@pytest.mark.parametrize("function", ["examine", "render"])
def test_interrupted_run_goes_on_where_it_was(root, monkeypatch, function):
    prepare_photographs(OUT, folder(root), LENIENT)
    whole = contents(OUT)
    shutil.rmtree(OUT)
    monkeypatch.setattr(ingest, "PART", 30)
    original, calls = getattr(ingest, function), []

    def counted(task):
        calls.append(task)
        if len(calls) == 66:
            raise Killed
        return original(task)

    monkeypatch.setattr(ingest, function, counted)
    with pytest.raises(Killed):
        prepare_photographs(OUT, folder(root), LENIENT)
    assert not (OUT / "images.zarr").exists()
    prepare_photographs(OUT, folder(root), LENIENT)
    done = 60 if function == "examine" else 64
    assert len(calls) == 66 + 70 - done
    assert contents(OUT) == whole


def test_changed_photograph_starts_afresh(root, save, monkeypatch):
    def killed(task):
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(ingest, "render", killed)
        with pytest.raises(Killed):
            prepare_photographs(OUT, folder(root), LENIENT)
    before = read_items(OUT / "items.parquet").set_index("source")["sha256"]
    save(root / "cats" / "01.png", 99, 30, 20)
    prepare_photographs(OUT, folder(root), LENIENT)
    after = read_items(OUT / "items.parquet").set_index("source")["sha256"]
    assert before["cats/01.png"] != after["cats/01.png"]


def test_duplicates_are_rejected_by_bytes_and_by_pixels(tmp_path, save):
    root = tmp_path / "r"
    for seed in range(4):
        save(root / f"{seed}.png", seed)
    shutil.copy(root / "1.png", root / "again.png")
    save(root / "same.bmp", 2)
    prepare_photographs(OUT, folder(root), LENIENT)
    assert rejected() == {
        "again.png": "duplicate of 1.png (the same bytes)",
        "same.bmp": "duplicate of 2.png (the same pixels)",
    }


def test_two_boxes_of_an_image_are_two_images_but_the_same_box_is_not(tmp_path, save):
    root = tmp_path / "r"
    for seed in range(4):
        save(root / f"{seed}.png", seed)
    rows = [f"{n}.png,0,0,20,20" for n in range(4)] + ["1.png,5,5,25,25", "1.png,0,0,20,20"]
    (root / "b.csv").write_text("\n".join(["path,xmin,ymin,xmax,ymax", *rows]))
    prepare_photographs(OUT, folder(root, boxes="b.csv"), LENIENT)
    items = read_items(OUT / "items.parquet")
    assert sorted(items["id"]) == ["0", "1", "1-2", "2", "3"]
    assert items[items["source"] == "1.png"]["split"].nunique() == 1
    assert rejected() == {"1.png": "box 0,0,20,20: duplicate of 1.png (the same bytes)"}


def test_limit_leaves_out_and_says_so(root):
    strict = LENIENT.model_copy(update={"rejected_limit": 0.0})
    prepare_photographs(OUT, folder(root, limit={"train": 5, "test": 2}), strict)
    items = read_items(OUT / "items.parquet")
    assert items["split"].value_counts().to_dict() == {"train": 5, "val": 4, "test": 2}
    reasons = pd.Series(rejected()).value_counts().to_dict()
    assert reasons == {
        "left out: train has as many as its limit asks for": 54,
        "left out: test has as many as its limit asks for": 5,
    }


def test_past_the_limit_all_reasons_are_told(root):
    for n in range(25):
        (root / f"bad-{n:02}.jpg").write_bytes(b"no image")
    strict = LENIENT.model_copy(update={"rejected_limit": 0.25})
    with pytest.raises(DomainError) as caught:
        prepare_photographs(OUT, folder(root), strict)
    text = str(caught.value)
    assert "70 images, 25 of 95 inputs rejected; all of them in data/d/rejected.csv" in text
    assert text.count("not an image of a known format") == 20
    assert "and 5 more" in text
    assert "more than prepare.rejected_limit, 25%: mend or remove these files" in text
    assert len(rejected()) == 25
    assert not (OUT / "images.zarr").exists()
    prepare_photographs(OUT, folder(root), LENIENT.model_copy(update={"rejected_limit": 0.3}))
    assert len(images()) == 70


def test_no_image_at_all_is_an_error(tmp_path):
    (tmp_path / "r").mkdir()
    with pytest.raises(DomainError, match="no input can be used"):
        prepare_photographs(OUT, folder(tmp_path / "r"), LENIENT)


def test_given_conditions_are_stored(tmp_path):
    rng = np.random.default_rng(0)
    for n in range(6):
        halves = rng.choice([0, 255], (2, 20, 20, 1)).astype(np.uint8).repeat(3, -1)
        halves[0][halves[0] == 0] = 90 + n
        path = tmp_path / ("train" if n < 4 else "test") / f"{n}.png"
        path.parent.mkdir(exist_ok=True)
        Image.fromarray(np.concatenate(list(halves), 1)).save(path)
    base = {"kind": "pairs", "root": tmp_path, "photo": "left", "min_side": 8, "splits": {"val": 1}}
    classes = {"black": (0, 0, 0), "white": (255, 255, 255)}
    labelled = PairsSettings(**base, condition="labels", classes=classes)
    prepare_photographs(OUT, labelled, LENIENT.model_copy(update={"image_size": 20}))
    labels, items = images(name="labels"), read_items(OUT / "items.parquet")
    assert items["split"].tolist() == ["train"] * 3 + ["val"] + ["test"] * 2
    assert labels.dtype == np.uint8
    assert open_group(OUT / "images.zarr").attrs["classes"] == ["black", "white"]
    for label, source in zip(labels, items["source"], strict=True):
        assert (label * 255 == np.asarray(Image.open(tmp_path / source))[:, 20:, 0]).all()


CLASSES = {"left ear": (250, 0, 0), "right ear": (0, 250, 0), "ground": (90, 90, 200)}


def pair_files(folder: Path, places: list[int]) -> None:
    """Pairs whose labels' halves are columns of some classes, compressed."""
    table = np.array([*CLASSES.values(), (0, 0, 0)], np.uint8)
    folder.mkdir(parents=True, exist_ok=True)
    half = np.repeat(table[np.repeat(places, 64 // len(places))][None], 64, 0)
    for number in range(3):
        photograph = np.random.default_rng(number).integers(0, 255, (64, 64, 3)).astype(np.uint8)
        whole = Image.fromarray(np.concatenate([photograph, half], 1))
        whole.save(folder / f"{number}.jpg", quality=90, subsampling=0)


def labelled(root: Path, **values) -> PairsSettings:
    base = {"kind": "pairs", "root": root, "photo": "left", "min_side": 8, "condition": "labels"}
    return PairsSettings(**{**base, "splits": {"val": 0}, "classes": CLASSES, **values})


def test_labels_of_pairs_are_said_by_split_with_their_shares(tmp_path, capsys):
    pair_files(tmp_path / "train", [0, 1, 2, 2])
    pair_files(tmp_path / "test", [0, 0, 0, 3])
    prepare_photographs(OUT, labelled(tmp_path, mirrored=(("left ear", "ground"),)), LENIENT)
    said = capsys.readouterr().err
    assert (
        "train: 3 label maps, classes by colour: ground 50%, left ear 25%, right ear 25%\n" in said
    )
    assert (
        "test: 3 label maps, classes by colour: left ear 75%; none of right ear, ground; no class "
        "25%\n" in said
    )
    assert re.findall(r"note: (.*) and \d more.*: is smoothed", said) == ["train/0.jpg"]
    assert open_group(OUT / "images.zarr").attrs["mirrored"] == [["left ear", "ground"]]
    assert images(name="labels")[3][0].tolist() == [0] * 12 + [255] * 4


def test_what_pairs_cannot_teach_is_told_before_anything_is_written(tmp_path):
    pair_files(tmp_path / "train", [0, 0, 2, 2])
    pair_files(tmp_path / "test", [0, 1, 2, 2])
    wanted = "no pixel is right ear: .* say so by lacking: "
    with pytest.raises(DomainError, match=wanted):
        prepare_photographs(OUT, labelled(tmp_path), LENIENT)
    assert not (OUT / "images.zarr").exists() and not (OUT / "items.parquet").exists()
    prepare_photographs(OUT, labelled(tmp_path, lacking=("right ear",)), LENIENT)
    assert "mirrored" not in open_group(OUT / "images.zarr").attrs
    shutil.rmtree(tmp_path / "train")
    pair_files(tmp_path / "train", [3, 0, 3, 1, 3, 2, 3, 3])
    with pytest.raises(DomainError, match=r"6[0-9]% of the pixels have no class, more than 50%"):
        prepare_photographs(OUT, labelled(tmp_path), LENIENT)


def test_pets_without_a_head_do_not_count_as_bad(tmp_path, save):
    for seed in range(6):
        save(tmp_path / "images" / f"pug_{seed}.jpg", seed, 60, 60)
    (tmp_path / "annotations").mkdir()
    rows = [f"pug_{seed},0,0,50,50" for seed in range(4)]
    (tmp_path / "annotations" / "h.csv").write_text(
        "\n".join(["image_name,xmin,ymin,xmax,ymax", *rows])
    )
    pets = PetsSettings(kind="pets", root=tmp_path, boxes=Path("annotations/h.csv"))
    prepare_photographs(OUT, pets, LENIENT.model_copy(update={"rejected_limit": 0.0}))
    items = read_items(OUT / "items.parquet")
    assert sorted(items["id"]) == [f"pug_{seed}" for seed in range(4)]
    assert list(rejected()) == ["images/pug_4.jpg", "images/pug_5.jpg"]


def encoded(image: Image.Image, format: str, **options) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format, **options)
    return buffer.getvalue()


@st.composite
def files(draw) -> tuple[bytes, bool | None]:
    """A file's bytes, and whether it must be accepted (None: either, as long as it is told)."""
    seed, side = draw(st.integers(0, 5)), draw(st.integers(8, 20))
    pixels = np.random.default_rng(seed).integers(0, 256, (side, side, 3), dtype=np.uint8)
    image = Image.fromarray(pixels)
    kind = draw(st.sampled_from(["good", "cut", "noise", "flipped", "small", "bomb"]))
    good = draw(
        st.sampled_from(
            [
                encoded(image, "PNG"),
                encoded(image, "JPEG"),
                encoded(image.convert("CMYK"), "JPEG"),
                encoded(image.quantize(8), "PNG"),
                encoded(image.convert("LA"), "PNG"),
                encoded(Image.fromarray(pixels[..., 0].astype(np.uint16) * 257), "PNG"),
                encoded(image, "GIF", save_all=True, append_images=[image.rotate(90)]),
            ]
        )
    )
    if kind == "good":
        return good, None  # it may be a duplicate
    if kind == "cut":
        return good[: draw(st.integers(0, len(good) // 3))], False
    if kind == "noise":
        return draw(st.binary(max_size=50)), False
    if kind == "small":
        return encoded(image.resize((7, 30)), "PNG"), False
    if kind == "bomb":
        return encoded(image, "BMP")[:18] + b"\xff\xff\x00\x00" * 2 + bytes(40), False
    at = draw(st.integers(0, len(good) - 1))
    return good[:at] + bytes([good[at] ^ draw(st.integers(1, 255))]) + good[at + 1 :], None


@settings(max_examples=30)
@given(st.lists(files(), min_size=1, max_size=8))
def test_every_file_is_accounted_for_whatever_is_in_it(made):
    with tempfile.TemporaryDirectory() as place, chdir(place):
        for n, (data, _) in enumerate(made):
            path = Path("r", "abc"[n % 3], f"{n}.jpg")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        (Path("r") / "notes.txt").touch()
        written = (p for p in Path("r").rglob("*") if p.is_file())
        everything = sorted(p.relative_to("r").as_posix() for p in written)
        try:
            # Nothing is held out, so that a single photograph is enough.
            prepare_photographs(OUT, folder(Path("r"), splits={"val": 0, "test": 0}), LENIENT)
            accepted = read_items(OUT / "items.parquet")["source"].tolist()
            assert len(images()) == len(accepted)
        except DomainError:
            accepted = []  # not one is good
        assert sorted([*accepted, *rejected()]) == everything
        assert all(rejected().values())
        for n, (_, expected) in enumerate(made):
            source = f"{'abc'[n % 3]}/{n}.jpg"
            assert expected is None or (source in accepted) == expected


def test_names_of_any_kind_survive(tmp_path, save):
    names = ["a,b.png", 'quo"te.png', "new\nline.png", "ü 漢.png", " lead.png", "=1+1.png"]
    for seed, name in enumerate(names):
        save(tmp_path / "r" / name, seed)
    (tmp_path / "r" / "bad,\n.jpg").write_bytes(b"no")
    (tmp_path / "r" / os.fsdecode(b"\xff.jpg")).write_bytes(b"no")
    prepare_photographs(OUT, folder(tmp_path / "r"), LENIENT)
    assert sorted(read_items(OUT / "items.parquet")["source"]) == sorted(names)
    assert set(rejected()) == {"bad,\n.jpg", "\\udcff.jpg"}
