from __future__ import annotations

import gzip
import lzma
import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exemplar.data import idx
from exemplar.data.idx import read_idx, stacks
from exemplar.data.image_set_settings import IdxSettings
from exemplar.data.inputs import BadPhoto, DomainError

PACKED = {"": bytes, ".gz": gzip.compress, ".xz": lzma.compress}


def idx_bytes(values: np.ndarray, start: bytes | None = None) -> bytes:
    """A file's bytes, put together number by number."""
    header = bytes([0, 0, 8, values.ndim]) if start is None else start
    for length in values.shape:
        header += int(length).to_bytes(4, "big")
    return header + bytes(values.ravel().tolist())


def values(count: int = 12, side: int = 5, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (count, side, side), dtype=np.uint8)


def labels(count: int = 12) -> np.ndarray:
    return (np.arange(count) * 7 % 10).astype(np.uint8)


@pytest.fixture
def root(tmp_path) -> Path:
    """Twelve training and six test images, every file spelt and packed in another way."""
    folder = tmp_path / "r"
    folder.mkdir()
    written = {
        "train-images-idx3-ubyte": idx_bytes(values()),
        "train-labels.idx1-ubyte.gz": gzip.compress(idx_bytes(labels())),
        "t10k-images-idx3-ubyte.xz": lzma.compress(idx_bytes(values(6, seed=1))),
        "t10k-labels.idx1-ubyte": idx_bytes(labels(6)),
    }
    for name, data in written.items():
        (folder / name).write_bytes(data)
    return folder


def mnist(root: Path, **given) -> IdxSettings:
    return IdxSettings.model_validate({"kind": "idx", "root": root, "classes": "mnist", **given})


def problems(root: Path, **given) -> str:
    with pytest.raises(DomainError) as caught:
        stacks(mnist(root, **given))
    return str(caught.value)


def test_files_are_found_by_their_usual_names(root):
    train, test = stacks(mnist(root))
    assert (train.images == values()).all()
    assert (test.images == values(6, seed=1)).all()
    assert (train.labels == labels()).all()
    assert (test.labels == labels(6)).all()
    assert (train.split, train.source) == ("train", "train-images-idx3-ubyte")
    assert (test.split, test.source) == ("test", "t10k-images-idx3-ubyte.xz")


def moved(root: Path, layout: str) -> Path:
    """Puts all files of a root below it."""
    below = root / layout
    files = [path for path in root.iterdir() if path.is_file()]
    below.mkdir(parents=True)
    for path in files:
        path.rename(below / path.name)
    return below


def copied(folder: Path, shift: int) -> None:
    """Puts another set of the same names into a folder: other images and other labels."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, count in (("train", 12), ("t10k", 6)):
        images, of = values(count, seed=50 + shift), (labels(count) + shift) % 10
        (folder / f"{name}-images-idx3-ubyte").write_bytes(idx_bytes(images))
        (folder / f"{name}-labels-idx1-ubyte").write_bytes(idx_bytes(of))


@pytest.mark.parametrize(("classes", "layout"), list(idx.DOWNLOADS.items()))
def test_a_download_s_folder_is_found_too(root, classes, layout):
    moved(root, layout)
    train, test = stacks(mnist(root, classes=classes))
    assert train.source == f"{layout}/train-images-idx3-ubyte"
    assert test.source == f"{layout}/t10k-images-idx3-ubyte.xz"
    assert (train.images == values()).all()
    assert (test.labels == labels(6)).all()


def test_sets_that_share_a_root_are_told_apart(tmp_path):
    copied(tmp_path / "MNIST/raw", 1)
    copied(tmp_path / "FashionMNIST/raw", 2)
    for classes, shift in (("mnist", 1), ("fashion", 2)):
        for stack, count in zip(stacks(mnist(tmp_path, classes=classes)), (12, 6), strict=True):
            assert (stack.images == values(count, seed=50 + shift)).all()
            assert (stack.labels == (labels(count) + shift) % 10).all()
    for classes in (None, [*"abcdefghij"]):
        told = problems(tmp_path, classes=classes)
        assert "but there are some in MNIST/raw, FashionMNIST/raw. Set root to the" in told


@pytest.mark.parametrize("missing", ["train-images-idx3-ubyte", "t10k-labels-idx1-ubyte"])
def test_no_file_is_taken_from_another_set(tmp_path, missing):
    copied(tmp_path / "MNIST/raw", 1)
    copied(tmp_path / "FashionMNIST/raw", 2)
    (tmp_path / "FashionMNIST/raw" / missing).unlink()
    assert f"FashionMNIST/raw/{missing}: no such file" in problems(tmp_path, classes="fashion")


def test_files_of_one_set_come_from_one_folder(tmp_path):
    copied(tmp_path, 1)
    copied(tmp_path / "raw", 2)
    assert "there are some in ., raw. Set" in problems(tmp_path, classes=None)
    copied(tmp_path / "MNIST/raw", 3)
    for name in ("train-labels-idx1-ubyte", "t10k-labels-idx1-ubyte"):
        (tmp_path / name).unlink()
    train, test = stacks(mnist(tmp_path))  # its own download
    assert train.source == "MNIST/raw/train-images-idx3-ubyte"
    assert (train.labels == (labels() + 3) % 10).all()
    (tmp_path / "MNIST/raw/t10k-images-idx3-ubyte").unlink()
    train, test = stacks(mnist(tmp_path))  # one that is whole
    assert (train.source, test.source) == (
        "raw/train-images-idx3-ubyte", "raw/t10k-images-idx3-ubyte",
    )  # fmt: skip
    assert (test.labels == (labels(6) + 2) % 10).all()


def test_another_set_s_download_is_not_taken_for_it(root):
    moved(root, "FashionMNIST/raw")
    told = problems(root)
    assert "  train-images-idx3-ubyte: no such file" in told
    assert "  FashionMNIST/raw: there are files, but of another set than classes: mnist" in told


def test_labels_may_be_missing_of_both_but_not_of_one(root):
    (root / "train-labels.idx1-ubyte.gz").unlink()
    assert "train-labels-idx1-ubyte: no such file; give both labels or neither" in problems(root)
    (root / "t10k-labels.idx1-ubyte").unlink()
    assert [stack.labels for stack in stacks(mnist(root))] == [None, None]


@settings(max_examples=20)
@given(
    st.lists(st.integers(0, 9), min_size=1, max_size=3),
    st.sampled_from(list(PACKED)),
    st.integers(0, 99),
)
def test_what_was_written_is_read(tmp_path_factory, shape, suffix, seed):
    path = tmp_path_factory.mktemp("idx") / f"x-ubyte{suffix}"
    written = np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)
    path.write_bytes(PACKED[suffix](idx_bytes(written)))
    read = read_idx(path, len(shape))
    assert read.dtype == np.uint8
    assert read.shape == written.shape
    assert (read == written).all()


@pytest.mark.parametrize("suffix", list(PACKED))
def test_a_file_cut_short_says_how_much_is_there(tmp_path, suffix):
    path = tmp_path / f"x-ubyte{suffix}"
    path.write_bytes(PACKED[suffix](idx_bytes(values())[:-20]))
    with pytest.raises(BadPhoto, match=r"cut short: expected 316 bytes, found 296$"):
        read_idx(path, 3)
    path.write_bytes(PACKED[suffix](idx_bytes(values())[:10]))
    with pytest.raises(BadPhoto, match=r"cut short: expected 16 bytes, found 10$"):
        read_idx(path, 3)


@pytest.mark.parametrize("suffix", [".gz", ".xz"])
def test_packing_cut_short_or_damaged(tmp_path, suffix):
    noise = values(4000, 8)  # more than a packer holds back
    packed, path = PACKED[suffix](idx_bytes(noise)), tmp_path / f"x-ubyte{suffix}"
    path.write_bytes(packed[: len(packed) // 2])
    with pytest.raises(BadPhoto, match=r"cut short: expected 256,016 bytes, found ([\d,]+)$") as e:
        read_idx(path, 3)
    found = int(str(e.value).split()[-1].replace(",", ""))
    assert 100_000 < found < 150_000
    path.write_bytes(b"no archive at all")
    with pytest.raises(BadPhoto, match="cannot be read: "):
        read_idx(path, 3)


@pytest.mark.parametrize(
    ("start", "said"),
    [
        (b"\x00\x00\x08\x01", r"expected 3 dimensions, got 1 \(it begins 00 00 08 01\)"),
        (b"\x00\x00\x0d\x03", "expected 00 00 08 03 first, got 00 00 0d 03"),  # of floats
        (b"\x89PNG", "expected 00 00 08 03 first, got 89 50 4e 47"),
    ],
)
def test_wrong_magic_number(tmp_path, start, said):
    (tmp_path / "x-ubyte").write_bytes(idx_bytes(values(), start))
    with pytest.raises(BadPhoto, match=said):
        read_idx(tmp_path / "x-ubyte", 3)


def test_too_many_bytes_and_too_large_a_promise(tmp_path):
    path = tmp_path / "x-ubyte"
    path.write_bytes(idx_bytes(values()) + b"\0")
    with pytest.raises(BadPhoto, match="expected 316 bytes for 12×5×5 values, got more"):
        read_idx(path, 3)
    path.write_bytes(bytes([0, 0, 8, 3]) + b"\xff" * 12)
    with pytest.raises(BadPhoto, match="too large: its header says 4294967295×4294967295×"):
        read_idx(path, 3)
    path.write_bytes(bytes([0, 0, 8, 1]) + (10**9).to_bytes(4, "big"))
    with pytest.raises(BadPhoto, match="cut short: expected 1,000,000,008 bytes, found 8"):
        read_idx(path, 1)


def test_all_problems_of_all_files_are_told_together(root):
    (root / "train-images-idx3-ubyte").write_bytes(idx_bytes(values())[:-1])
    (root / "train-labels.idx1-ubyte.gz").write_bytes(
        gzip.compress(idx_bytes(np.array([1, 10, 250], np.uint8)))
    )
    (root / "t10k-images-idx3-ubyte.xz").unlink()
    (root / "t10k-labels.idx1-ubyte").write_bytes(b"label")
    told = problems(root)
    assert told.splitlines()[0] == f"{root}: 4 things are wrong:"
    for part in (
        "  train-images-idx3-ubyte: cut short: expected 316 bytes, found 315",
        "  train-labels.idx1-ubyte.gz: expected labels 0 to 9, one for each name of classes, ",
        "but some are 10, 250",
        "  t10k-images-idx3-ubyte: no such file, nor one with .gz or .xz",
        "  t10k-labels.idx1-ubyte: cut short: expected 8 bytes, found 5",
        "set download: true, or set another root in params.yaml",
    ):
        assert part in told
    assert "download" not in problems(root, classes=None)


def test_files_must_belong_together(root):
    (root / "t10k-images-idx3-ubyte.xz").write_bytes(lzma.compress(idx_bytes(values(7, 6))))
    told = problems(root)
    assert (
        "train-images-idx3-ubyte has images of 5×5 and t10k-images-idx3-ubyte.xz of 6×6; "
        "expected one size" in told
    )
    assert (
        "t10k-labels.idx1-ubyte: expected 7 labels, one for each image of "
        "t10k-images-idx3-ubyte.xz, got 6" in told
    )


@pytest.mark.parametrize("shape", [(3, 4, 5), (0, 5, 5), (3, 0, 0)])
def test_images_must_be_square_and_some(root, shape):
    (root / "train-images-idx3-ubyte").write_bytes(idx_bytes(np.zeros(shape, np.uint8)))
    named = "×".join(map(str, shape))
    assert f"expected square images, got dimensions {named}" in problems(root)


def test_a_missing_root_says_what_to_do(tmp_path):
    with pytest.raises(DomainError, match=r"gone: expected idx files .* it is not there. Copy or"):
        stacks(mnist(tmp_path / "gone"))


def test_known_sets_are_fetched_if_asked_for(root, monkeypatch):
    asked = []
    monkeypatch.setattr(idx, "fetch", lambda *of: asked.append(of))
    stacks(mnist(root, download=True))
    assert not asked
    (root / "t10k-images-idx3-ubyte.xz").unlink()
    with pytest.raises(DomainError, match="t10k-images-idx3-ubyte: no such file"):
        stacks(mnist(root, classes="fashion", download=True))
    assert asked == [("fashion", root)]


def test_what_is_fetched_is_read_and_nothing_beside_it(root, monkeypatch):
    (root / "t10k-images-idx3-ubyte.xz").unlink()
    copied(root / "FashionMNIST/raw", 2)
    monkeypatch.setattr(idx, "fetch", lambda kind, place: copied(place / "MNIST/raw", 1))
    for stack, count in zip(stacks(mnist(root, download=True)), (12, 6), strict=True):
        assert stack.source.startswith("MNIST/raw/")
        assert (stack.images == values(count, seed=51)).all()
        assert (stack.labels == (labels(count) + 1) % 10).all()


def test_settings():
    assert mnist(Path("r"), classes="fashion").names()[9] == "Ankle boot"  # type: ignore[index]
    assert mnist(Path("r"), classes=["a", "b"]).names() == ("a", "b")
    assert idx.names(mnist(Path("r"), classes=None))[200] == "200"
    for wrong, said in (
        ({"classes": ["a"]}, "2 to 256 different names"),
        ({"classes": ["a", "a"]}, "2 to 256 different names"),
        ({"classes": ["a", ""]}, "2 to 256 different names"),
        ({"classes": None, "download": True}, "classes must say which"),
    ):
        with pytest.raises(ValueError, match=re.escape(said)):
            mnist(Path("r"), **wrong)
