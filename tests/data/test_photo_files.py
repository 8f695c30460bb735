"""Which files of a folder are photographs: every other one is named with what it is."""

from __future__ import annotations

import errno
import os
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exemplar.data.inputs import Listing
from exemplar.data.photo_files import LEFT_OUT, UNREAD, image_files

RAW = "camera raw: develop it to JPEG or TIFF"
PROJECT = "a drawing or an editor's project: export it as PNG or JPEG"


def make(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    return folder


def listed(folder: Path, below: str = ".", used: tuple[str, ...] = ()):
    """The photographs, and the reason and badness of every other file."""
    listing = Listing()
    found = image_files(folder, below, listing, used)
    return found, {r.source: (r.reason, r.bad) for r in listing.rejections}


def test_what_is_not_surely_something_else_may_be_a_photograph(tmp_path):
    names = ["b.jpg", "a/z.PNG", "a/odd", "a/x.unknown", "é/ü.jpeg", "a b.webp", "c.TiF", "d.avif",
             "e.jpg.jpg", "f.heic", "g.jxl", "h.JPE"]  # fmt: skip
    make(tmp_path, *names)
    assert listed(tmp_path) == (sorted(names), {})
    assert listed(tmp_path, "a") == (["a/odd", "a/x.unknown", "a/z.PNG"], {})


def test_hidden_files_and_those_of_systems_are_left_out_and_named(tmp_path):
    files = [".DS_Store", "a/._z.PNG", "Thumbs.db", "a/desktop.ini", ".picasa.ini"]
    folders = [".git", "__MACOSX", "a/@eaDir", "$RECYCLE.BIN", ".ipynb_checkpoints"]
    make(tmp_path, "a/z.png", *files, *(f"{folder}/x.jpg" for folder in folders))
    found, others = listed(tmp_path)
    assert found == ["a/z.png"]
    assert others == dict.fromkeys(
        [*files, *(f"{folder}/" for folder in folders)],
        ("left out: hidden, or a system's own", False),
    )


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("a.xmp", "a sidecar"), ("a.jpg.xmp", "a sidecar"), ("IMG_1.AAE", "a sidecar"),
        ("GX01.THM", "a sidecar"), ("a.nef.pp3", "a sidecar"), ("a.NKSC", "a sidecar"),
        ("Sync.lnk", "a sidecar"), ("route.gpx", "a sidecar"), ("IMG_1.MOV", "a video"),
        ("c.mp4", "a video"), ("memo.m4a", "a sound"), ("photos.zip", "an archive; unpack it"),
        ("scan.PDF", "a document"), ("boxes.csv", "a table"), ("x.mat", "a table"),
        ("notes.TXT", "a text"), ("README", "a text"), ("License", "a text"),
        ("sort.py", "a program"), ("a.jpg~", "an editor's copy"),
    ],
)  # fmt: skip
def test_what_lies_beside_photographs_is_left_out_and_named(tmp_path, name, what):
    found, others = listed(make(tmp_path, "a.jpg", "IMG_1.jpg", name))
    assert found == ["IMG_1.jpg", "a.jpg"]
    ((source, (reason, bad)),) = others.items()
    assert (source, bad) == (name, False)
    assert reason.startswith(f"left out: {what}")


@pytest.mark.parametrize("suffix", ["cr2", "CR3", "nef", "ARW", "dng", "orf", "rw2", "raf", "pef"])
def test_a_raw_is_no_photograph_and_bad_only_without_one(tmp_path, suffix):
    make(tmp_path, f"a.{suffix}", "A.JPG", f"b.{suffix}", f"c.{suffix}.jpg", f"c.{suffix}")
    found, others = listed(tmp_path)
    assert found == ["A.JPG", f"c.{suffix}.jpg"]
    assert others == {
        f"a.{suffix}": ("left out: the same photograph as A.JPG", False),
        f"b.{suffix}": (RAW, True),
        f"c.{suffix}": (RAW, True),
    }


def test_raws_in_a_folder_of_their_own(tmp_path):
    make(tmp_path, "trip/RAW/a.nef", "trip/a.jpg", "out/raw/b.dng", "out/jpeg/b.jpg", "trip/b.arw")
    found, others = listed(tmp_path)
    assert found == ["out/jpeg/b.jpg", "trip/a.jpg"]
    assert others == {
        "trip/RAW/a.nef": ("left out: the same photograph as trip/a.jpg", False),
        "out/raw/b.dng": ("left out: the same photograph as out/jpeg/b.jpg", False),
        "trip/b.arw": (RAW, True),  # another trip's
    }


def test_a_photograph_twice_and_an_editors_project(tmp_path):
    make(tmp_path, "a.HEIC", "a.jpg", "b.heic", "sub/b.jpg", "c.psd", "c.png", "d.svg", "e.heif",
         "e.dng")  # fmt: skip
    found, others = listed(tmp_path)
    assert found == ["a.jpg", "b.heic", "c.png", "e.heif", "sub/b.jpg"]
    assert others == {
        "a.HEIC": ("left out: the same photograph as a.jpg", False),
        "c.psd": ("left out: the same photograph as c.png", False),
        "d.svg": (PROJECT, True),
        "e.dng": (RAW, True),
    }


def test_what_is_read_as_something_else_is_not_named(tmp_path):
    make(tmp_path, "a.jpg", "boxes.csv", "sub/boxes.csv")
    found, others = listed(tmp_path, used=("boxes.csv",))
    assert (found, list(others)) == (["a.jpg"], ["sub/boxes.csv"])


SUFFIXES = st.sampled_from(
    [".jpg", ".PNG", "", ".odd", *" ".join((LEFT_OUT | UNREAD).values()).split()]
)


@given(st.lists(st.tuples(st.sampled_from(["a", "b", "x/a", "x/y/b"]), SUFFIXES), max_size=12))
def test_every_file_is_used_or_named_once(tmp_path_factory, parts):
    names = {f"{stem}{suffix}" for stem, suffix in parts}
    folder = make(tmp_path_factory.mktemp("f"), *names)
    listing = Listing()
    found = image_files(folder, ".", listing)
    assert sorted(found + [r.source for r in listing.rejections]) == sorted(names)
    assert {n for n in names if n.endswith((".jpg", ".PNG", ".odd", "a", "b"))} >= set(found)


def test_links_are_followed_but_not_in_circles(tmp_path):
    root = make(tmp_path / "root", "a/x.jpg")
    make(tmp_path, "far/x.jpg", "far/deep/y.jpg")
    (root / "far").symlink_to(tmp_path / "far")
    (root / "a" / "up").symlink_to(root)
    (root / "above").symlink_to(tmp_path)
    (root / "self").symlink_to(root / "self")
    (tmp_path / "far" / "deep" / "back").symlink_to(tmp_path / "far")
    (root / "broken.jpg").symlink_to(tmp_path / "gone.jpg")
    found, others = listed(root)
    assert found == ["a/x.jpg", "broken.jpg", "far/deep/y.jpg", "far/x.jpg", "self"]
    assert others == {}


def test_folders_that_link_to_each_other_are_read_once(tmp_path):
    make(tmp_path, "z/one.jpg", "y/two.jpg")
    (tmp_path / "z" / "y").symlink_to(tmp_path / "y")
    (tmp_path / "y" / "z").symlink_to(tmp_path / "z")
    (tmp_path / "favourites").symlink_to(tmp_path / "z")
    assert listed(tmp_path) == (["y/two.jpg", "z/one.jpg"], {})


def test_a_folder_that_cannot_be_read_is_told(tmp_path, monkeypatch):
    make(tmp_path, "a/x.jpg", "closed/y.jpg")
    read = Path.iterdir

    def iterdir(folder):
        if folder.name == "closed":
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        return read(folder)

    monkeypatch.setattr(Path, "iterdir", iterdir)
    found, others = listed(tmp_path)
    assert found == ["a/x.jpg"]
    assert others == {"closed": ("the folder cannot be read: Permission denied", True)}


@pytest.mark.skipif(sys.platform != "linux", reason="other systems refuse such names")
def test_names_that_are_not_utf8_are_listed(tmp_path):
    (tmp_path / os.fsdecode(b"bad\xff.jpg")).touch()
    (tmp_path / os.fsdecode(b"in\xff")).mkdir()
    (tmp_path / os.fsdecode(b"in\xff/x.jpg")).touch()
    assert listed(tmp_path) == (
        [],
        {
            "bad\\udcff.jpg": ("its name is not valid UTF-8", True),
            "in\\udcff/x.jpg": ("its name is not valid UTF-8", True),
        },
    )
