from __future__ import annotations

import os
import sys

import pytest

from exemplar.data.inputs import DomainError, Listing, Photo, image_files, need_root, unique_ids


def test_every_file_but_side_files_is_an_input(tmp_path):
    names = ["b.jpg", "a/z.PNG", "a/odd", "a/movie.mp4", "é/ü.jpeg", "a b.webp"]
    aside = ["boxes.csv", "a/x.xml", "notes.TXT", ".DS_Store", "a/._z.PNG", ".git/x.jpg", "README",
             "LICENSE", "x.mat", "Thumbs.db"]  # fmt: skip
    for name in names + aside:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    listing = Listing()
    assert image_files(tmp_path, ".", listing) == sorted(names)
    assert image_files(tmp_path, "a", listing) == ["a/movie.mp4", "a/odd", "a/z.PNG"]
    assert listing.rejections == []


def test_links_are_followed_but_not_in_circles(tmp_path):
    root = tmp_path / "root"
    (root / "a").mkdir(parents=True)
    (tmp_path / "far").mkdir()
    (tmp_path / "far" / "x.jpg").touch()
    (root / "far").symlink_to(tmp_path / "far")
    (root / "a" / "up").symlink_to(root)
    (root / "broken.jpg").symlink_to(tmp_path / "gone.jpg")
    assert image_files(root, ".", Listing()) == ["broken.jpg", "far/x.jpg"]


@pytest.mark.skipif(sys.platform != "linux", reason="other systems refuse such names")
def test_name_that_is_not_utf8_is_listed(tmp_path):
    (tmp_path / os.fsdecode(b"bad\xff.jpg")).touch()
    listing = Listing()
    assert image_files(tmp_path, ".", listing) == []
    assert [(r.source, r.reason) for r in listing.rejections] == [
        ("bad\\udcff.jpg", "its name is not valid UTF-8")
    ]


def test_ids_are_unique():
    photos = [Photo(s) for s in ("images/a.jpg", "images/a.png", "images/b/c.d.jpg", "a.jpg")]
    photos += [Photo("images/b-c.d.jpg"), Photo("images/a-2.jpg")]
    assert unique_ids(photos, "images") == ["a", "a-2", "b-c.d", "a-3", "b-c.d-2", "a-2-2"]
    forms = [Photo("cafe\u0301.jpg"), Photo("caf\u00e9.jpg")]
    assert unique_ids(forms) == ["caf\u00e9", "caf\u00e9-2"], "no two ids are one name"


def test_missing_root_says_what_was_expected_and_how_to_get_it(tmp_path):
    (tmp_path / "y").mkdir()
    assert need_root(tmp_path, "pets", "Get them", "x", "y") == tmp_path / "y"
    with pytest.raises(
        DomainError, match=r"expected pets \(in x, z\), but it has none of these\. Get them, or"
    ):
        need_root(tmp_path, "pets", "Get them", "x", "z")
    with pytest.raises(DomainError, match="but it is not there"):
        need_root(tmp_path / "gone", "pets", "Get them", "x")
