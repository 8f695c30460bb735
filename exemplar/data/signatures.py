"""What a file is that is no image of a known format, by what is in it: for a message that helps."""

from __future__ import annotations

import io
import warnings

from PIL.TiffImagePlugin import ImageFileDirectory_v2

CAMERA_RAW = "camera raw: develop it to JPEG or TIFF"
# Tags of TIFF, and how raw pixels are arranged: colours in a mosaic, or linear.
NEW_SUBFILE_TYPE, PHOTOMETRIC, SUB_FOLDERS, DNG_VERSION = 254, 262, 330, 50706
MOSAICS = (32803, 34892)

BEGINNINGS = (
    (b"%PDF", "a PDF document"),
    (b"%!PS", "PostScript"),
    (b"\xc5\xd0\xd3\xc6", "PostScript"),
    (b"8BPS", "a Photoshop document"),
    (b"v/1\x01", "OpenEXR, of floating-point pixels"),
    (b"#?RADIANCE", "a Radiance picture, of floating-point pixels"),
    (b"\xff\x0a", "JPEG XL"),
    (b"\x00\x00\x00\x0cJXL ", "JPEG XL"),
    (b"gimp xcf", "a GIMP document"),
    (b"PK\x03\x04", "a ZIP archive, perhaps a document of a drawing program"),
    (b"\x1f\x8b", "compressed by gzip"),
    (b"\x93NUMPY", "a NumPy array"),
    (b"version https://git-lfs", "a pointer of Git LFS; fetch the file itself with `git lfs pull`"),
)
HEIF = (b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"mif1", b"msf1")
FTYP = {b"avif": "AVIF", b"avis": "AVIF"}
PHOTOGRAPH = "a HEIC photograph"
BEGINNING = 1024
"""Bytes that are looked at."""


def kind_of(data: bytes) -> str:
    """What a file is.

    Args:
        data: of a file, from its beginning.

    Returns:
        As it goes on after "it is"; empty if that is not known.
    """
    start = data[:BEGINNING]
    for beginning, kind in BEGINNINGS:
        if start.startswith(beginning):
            return kind
    if start[4:8] == b"ftyp":
        brand = start[8:12]
        return FTYP.get(brand, PHOTOGRAPH if brand in HEIF else "a video or sound")
    text = _text(start)
    if text is None:
        return ""
    head = text.lstrip("\ufeff \t\r\n").lower()
    if "<svg" in head:
        return "an SVG drawing"
    return "a web page" if head.startswith(("<!doctype html", "<html")) else "text"


def _text(start: bytes) -> str | None:
    """The beginning of a text, none if this is no text."""
    wide = start.startswith((b"\xff\xfe", b"\xfe\xff"))
    try:
        text = start.decode("utf-16" if wide else "utf-8")
    except UnicodeDecodeError as error:
        if wide or error.start < len(start) - 3:  # a character may be cut off at the end
            return None
        text = start[: error.start].decode()
    plain = all(letter.isprintable() or letter in "\ufeff\t\r\n\f" for letter in text)
    return text if plain else None


def is_camera_raw(data: bytes) -> bool:
    """Whether a file is a camera raw in TIFF's clothes, whose first picture is but a preview.

    Args:
        data: a whole file. DNG, NEF, ARW and CR2 are seen for what they are under any name.
    """
    if data[:4] not in (b"II*\0", b"MM\0*"):
        return False
    if data[8:10] == b"CR":  # Canon's mark
        return True
    try:
        tags, file = ImageFileDirectory_v2(data[:8]), io.BytesIO(data)
        file.seek(tags.next)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about odd metadata
            tags.load(file)
        preview = tags.get(NEW_SUBFILE_TYPE, 0) & 1 and SUB_FOLDERS in tags
        return bool(preview or DNG_VERSION in tags or tags.get(PHOTOMETRIC) in MOSAICS)
    except Exception:  # damaged: the decoder says so
        return False
