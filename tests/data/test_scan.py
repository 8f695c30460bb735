from __future__ import annotations

import hashlib
import os

import numpy as np
import pytest
from PIL import Image, TiffImagePlugin

from exemplar.data import photo_files
from exemplar.data.inputs import DomainError, Photo
from exemplar.data.photo_settings import FolderSettings
from exemplar.data.scan import Finding, examine, render


@pytest.fixture
def settings(tmp_path) -> FolderSettings:
    return FolderSettings(kind="folder", root=tmp_path, min_side=8)


def test_one_finding_for_each_box(tmp_path, save, settings):
    path = save(tmp_path / "a.png", 1, 40, 30)
    boxes = [Photo("a.png", box) for box in ((0, 0, 20, 10), (0, 0, 4, 4), (90, 0, 99, 9))]
    boxes.append(Photo("a.png", (0, 0, 20, 10), stated=(30, 40)))
    got = examine((boxes, settings, 16))
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    assert {finding.sha256 for finding in got} == {sha256}
    assert [finding.reason for finding in got] == [
        "",
        "too small: 4×4, the shorter side below 8",
        "box 90,0,99,9 lies outside the image of 40×30",
        "its annotation is for an image of 30×40, the file has 40×30",
    ]
    assert (got[0].width, got[0].height) == (20, 20)


def test_boxes_are_of_the_upright_image(tmp_path, colours, settings):
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by a quarter: 40×30 becomes 30×40
    Image.fromarray(colours(1, 40, 30)).save(tmp_path / "a.png", exif=exif)
    photo = Photo("a.png", (0, 20, 20, 40), stated=(30, 40))
    (finding,) = examine(([photo], settings, 20))
    made = render((photo, finding, settings, 20)).arrays["image"]
    upright = np.rot90(colours(1, 40, 30), -1)
    assert (made == upright[20:40, 0:20]).all()


def test_pixel_hash_knows_the_picture_not_the_file(tmp_path, save, colours, settings):
    save(tmp_path / "a.png", 1)
    save(tmp_path / "b.bmp", 1)
    save(tmp_path / "c.png", 2)
    Image.fromarray(colours(1).reshape(40, 30, 3)).save(tmp_path / "d.png")  # the same bytes
    found = [examine(([Photo(n)], settings, 16))[0] for n in ("a.png", "b.bmp", "c.png", "d.png")]
    assert found[0].pixels == found[1].pixels
    assert len({finding.pixels for finding in found}) == 3
    assert len({finding.sha256 for finding in found}) == 4


def test_unreadable_files_have_reasons(tmp_path, settings, monkeypatch):
    (tmp_path / "gone.jpg").symlink_to(tmp_path / "nowhere.jpg")
    os.mkfifo(tmp_path / "pipe.jpg")
    (tmp_path / "long.jpg").write_bytes(bytes(2_000_001))
    monkeypatch.setattr(photo_files, "MAX_BYTES", 1_000_000)
    reasons = [examine(([Photo(n)], settings, 16)) for n in ("gone.jpg", "pipe.jpg", "long.jpg")]
    assert reasons == [
        [Finding("cannot be read: No such file or directory")],
        [Finding("not a file that can be read to its end")],
        [Finding("too large: 2 MB, more than 1")],
    ]


def test_file_that_changed_between_the_passes_is_noticed(tmp_path, save, settings):
    photo = Photo("a.png")
    save(tmp_path / "a.png", 1)
    (finding,) = examine(([photo], settings, 16))
    save(tmp_path / "a.png", 2)
    with pytest.raises(DomainError, match=r"a\.png: changed while the domain was being prepared"):
        render((photo, finding, settings, 16))
    (tmp_path / "a.png").unlink()
    with pytest.raises(DomainError, match="run the stage again"):
        render((photo, finding, settings, 16))


def tagged(**tags: object) -> TiffImagePlugin.ImageFileDirectory_v2:
    found = TiffImagePlugin.ImageFileDirectory_v2()
    for name, value in tags.items():
        found[int(name[1:])] = value
    return found


def test_a_raws_preview_is_no_photograph_under_any_name(tmp_path, save, settings):
    raw = {  # as a DNG says its version, and as NEF and ARW begin with a small picture
        "dng": tagged(_50706=b"\x01\x04\x00\x00"),
        "nef": tagged(_254=1, _330=(8, 8)),
    }
    for name, tags in raw.items():
        for suffix in ("", ".tif", ".jpg"):
            save(tmp_path / f"{name}{suffix}", 1, format="TIFF", tiffinfo=tags)
            (finding,) = examine(([Photo(f"{name}{suffix}")], settings, 16))
            assert finding == Finding("camera raw: develop it to JPEG or TIFF")
    save(tmp_path / "first.tif", 1, compression="tiff_lzw")
    data = (tmp_path / "first.tif").read_bytes()
    (tmp_path / "cr2").write_bytes(data[:4] + b"\x10\0\0\0CR\x02\0" + bytes(4) + data[8:])
    (finding,) = examine(([Photo("cr2")], settings, 16))
    assert finding.reason.startswith("camera raw")
    for name, tags in {"plain": tagged(), "small": tagged(_254=1), "deep": tagged(_330=8)}.items():
        save(tmp_path / name, 1, format="TIFF", tiffinfo=tags)
        assert examine(([Photo(name)], settings, 16))[0].reason == ""
    (tmp_path / "cut.tif").write_bytes(data[:9])
    assert "camera" not in examine(([Photo("cut.tif")], settings, 16))[0].reason


def test_the_content_decides_and_the_suffix_tells_what_to_do(tmp_path, save, settings):
    save(tmp_path / "really.HEIC", 1, format="JPEG")
    save(tmp_path / "bare", 1, format="PNG")
    (tmp_path / "a.HEIC").write_bytes(b"\0\0\0\x24ftypheic")
    (tmp_path / "b.odd").write_bytes(b"nothing")
    found = [examine(([Photo(n)], settings, 16))[0].reason for n in ("really.HEIC", "bare")]
    assert found == ["", ""]
    heic, odd = (examine(([Photo(n)], settings, 16))[0].reason for n in ("a.HEIC", "b.odd"))
    assert heic.startswith("not an image") and heic.endswith("; convert it to JPEG or PNG")
    assert odd.startswith("not an image") and "convert" not in odd
