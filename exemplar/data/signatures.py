"""What a file that is no image of a known format is, by how it begins: for a message that helps."""

from __future__ import annotations

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
