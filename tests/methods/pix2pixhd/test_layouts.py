from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from exemplar.methods.pix2pixhd.layouts import (
    IGNORE,
    LayoutError,
    map_files,
    matched,
    read_layouts,
    report,
)


def save(path: Path, values: np.ndarray) -> Path:
    Image.fromarray(values).save(path)
    return path


LABELS = np.array([[0, 1, 2], [2, 1, 34]], np.uint8)


def test_labels_and_what_is_ignored(tmp_path: Path) -> None:
    path = save(tmp_path / "town.png", LABELS)
    (layout,) = read_layouts([path], None, 3, ignore=[34])
    assert layout.name == "town"
    assert layout.labels.dtype == np.uint8
    assert layout.labels.tolist() == [[0, 1, 2], [2, 1, IGNORE]]
    assert (layout.instances == LABELS).all()


@pytest.mark.parametrize(
    ("dtype", "suffix", "largest"),
    [
        (np.uint8, "png", 255),
        (np.uint16, "png", 65_535),
        (np.uint16, "tif", 65_535),
        (np.int32, "tif", 2**31 - 1),
    ],
)
def test_instances_of_any_depth_are_read_as_they_are(tmp_path, dtype, suffix, largest) -> None:
    numbers = np.array([[1, 7, largest], [largest - 1, 0, 26]], dtype)
    path = save(tmp_path / "labels.png", np.zeros((2, 3), np.uint8))
    (layout,) = read_layouts([path], [save(tmp_path / f"i.{suffix}", numbers)], 1)
    assert layout.instances.dtype == np.int64
    assert (layout.instances == numbers).all()


def test_instances_of_several_classes_are_told_with_their_share(tmp_path: Path) -> None:
    labels = save(tmp_path / "labels.png", np.array([[0, 0, 1, 1]] * 2, np.uint8))
    own = save(tmp_path / "own.png", np.array([[0, 0, 7, 8]] * 2, np.uint8))
    other = save(tmp_path / "other.png", np.array([[0, 7, 7, 7]] * 2, np.uint8))
    constant = save(tmp_path / "constant.png", np.full((2, 4), 3, np.uint8))
    notes = [read_layouts([labels], [path], 2)[0].said[1:] for path in (own, other, constant)]
    assert notes[0] == ()
    assert notes[1][0].startswith(f"note: {other}: 25% of its pixels have another class than most")
    assert notes[2][0].startswith(f"note: {constant}: its instance map is 3 everywhere")


def test_a_palette_image_gives_its_numbers(tmp_path: Path) -> None:
    image = Image.frombytes("P", (3, 2), (LABELS % 3).tobytes())
    image.putpalette([200, 10, 30] * 256)
    image.save(tmp_path / "p.png")
    (layout,) = read_layouts([tmp_path / "p.png"], None, 3)
    assert (layout.labels == LABELS % 3).all()


def test_every_problem_is_in_one_report(tmp_path: Path) -> None:
    labels = [
        save(tmp_path / "a.png", LABELS),
        save(tmp_path / "b.png", LABELS % 3),
        save(tmp_path / "c.png", np.full((2, 3, 3), (200, 0, 9), np.uint8)),
        tmp_path / "d.png",
    ]
    same = save(tmp_path / "i.png", LABELS)
    other = save(tmp_path / "j.png", np.zeros((4, 5), np.uint16))
    broken = tmp_path / "k.png"
    broken.write_bytes(b"none")
    with pytest.raises(LayoutError) as caught:
        read_layouts(labels, [same, other, same, broken], 3)
    text = str(caught.value)
    assert text.startswith("5 problems with the layouts:")
    assert "a.png: labels 34 have no class; expected 0 to 2" in text
    assert "at 1 pixels, the first at row 1, column 2" in text
    assert "j.png: expected 3×2 as its label map" in text and "got 5×4" in text
    assert "c.png: expected one number a pixel" in text and "mode RGB" in text
    assert "d.png: no such file" in text
    assert "k.png: not an image of a known format" in text


def test_classes_may_have_any_numbers(tmp_path: Path) -> None:
    labels = np.array([[7, 300, 2], [2, 255, 7]], np.uint16)
    path = save(tmp_path / "a.png", labels)
    (layout,) = read_layouts([path], None, 3, [255], numbers=[2, 300, 7])
    assert layout.labels.tolist() == [[2, 1, 0], [0, 255, 2]]
    with pytest.raises(LayoutError, match="labels 7, 255 have no class; expected 2, 8, 300"):
        read_layouts([path], None, 3, numbers=[2, 300, 8])


def test_a_long_report_is_whole() -> None:
    text = report([f"problem {i}" for i in range(25)])
    assert text.splitlines()[1:] == [f"  problem {i}" for i in range(25)]


def test_maps_of_a_folder(tmp_path: Path) -> None:
    for name in ("b.tif", "a.png", "notes.txt"):
        (tmp_path / name).touch()
    assert [path.name for path in map_files(tmp_path)] == ["a.png", "b.tif"]
    assert map_files(tmp_path / "any.png") == [tmp_path / "any.png"]
    (tmp_path / "none").mkdir()
    with pytest.raises(LayoutError, match="found none"):
        map_files(tmp_path / "none")


@pytest.mark.parametrize(
    ("labels", "instances"),
    [
        (["a", "b"], ["a", "b"]),
        (["a_labelIds", "b_labelIds"], ["a_instanceIds", "b_instanceIds"]),
        (["labels_07", "labels_08"], ["07", "08"]),
        # By the names' order, 1_l would come last and 1 first.
        (["10_l", "11_l", "1_l"], ["10", "11", "1"]),
        (["any"], ["other"]),
    ],
)
def test_maps_are_matched_by_their_names(labels: list[str], instances: list[str]) -> None:
    shuffled = [Path(f"{name}.png") for name in sorted(instances)]
    found = matched([Path(f"{name}.png") for name in labels], shuffled)
    assert [path.stem for path in found] == instances


def test_maps_of_other_names_are_told() -> None:
    labels, instances = ([Path(f"{n}.png") for n in names] for names in ("acd", "abd"))
    with pytest.raises(LayoutError, match="found none for c.png; rename them"):
        matched(labels, instances)


def test_counts_of_files_and_classes(tmp_path: Path) -> None:
    path = save(tmp_path / "a.png", LABELS)
    with pytest.raises(LayoutError, match="got 0 instance maps for 1 label maps"):
        read_layouts([path], [], 3)
    with pytest.raises(LayoutError, match="1 to 255 classes, got 256"):
        read_layouts([path], None, 256)


def test_maps_that_belong_to_nothing_are_read_all_the_same(tmp_path: Path) -> None:
    labels = [save(tmp_path / "a.png", LABELS * 0), save(tmp_path / "a.tif", LABELS * 0)]
    broken = tmp_path / "k.png"
    broken.write_bytes(b"none")
    with pytest.raises(LayoutError) as caught:
        read_layouts(labels, [broken], 3)
    lines = str(caught.value).splitlines()
    assert len(lines) == 4
    assert "more than one is called a" in lines[1]
    assert "got 1 instance maps for 2 label maps; remove what is too many" in lines[2]
    assert "k.png: not an image of a known format" in lines[3]
