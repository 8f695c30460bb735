"""Files as people have them: sound ones of every kind, and all that is taken for a picture.

`write_corpus` writes one picture in some forty ways that have to be read alike, and some fifty
things that are no picture but lie where one is asked for.
"""

from __future__ import annotations

import io
import os
import pickle
import struct
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image, ImageCms, ImageFile

EXIF_ORIENTATION = 0x0112
UNDO = {  # what a camera does to an upright picture before it notes the orientation
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}


def write_corpus(folder: Path, picture: np.ndarray) -> tuple[list[Path], list[Path]]:
    """Writes every file.

    Args:
        folder: need not exist.
        picture: (H, W, 3) u8.

    Returns:
        Those that hold the picture, and those that hold none or are not there.
    """
    folder.mkdir(parents=True, exist_ok=True)
    sound = {**_formats(picture), **_modes(picture), **_oddities(picture)}
    broken = {**_damaged(picture), **_foreign(), **_unreasonable(picture)}
    for name, data in {**sound, **broken}.items():
        (folder / name).write_bytes(data)
    return [folder / name for name in sound], [
        *(folder / name for name in broken),
        *_no_files(folder),
    ]


def encoded(image: Image.Image, form: str, **options: object) -> bytes:
    """An image as the bytes of a file."""
    buffer = io.BytesIO()
    image.save(buffer, format=form, **options)
    return buffer.getvalue()


def png_chunks(
    header: tuple[int, int, int, int], rows: bytes, *extra: tuple[bytes, bytes]
) -> bytes:
    """A PNG from parts, for what Pillow does not write.

    Args:
        header: width, height, bits, colour type.
        rows: scanlines, each with its filter's byte.
        extra: chunks before the data.
    """
    parts = [(b"IHDR", struct.pack(">IIBBBBB", *header, 0, 0, 0)), *extra]
    parts += [(b"IDAT", zlib.compress(rows, 1)), (b"IEND", b"")]
    chunks = [
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in parts
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def deep_png(picture: np.ndarray) -> bytes:
    """16 bits a channel, which Pillow reads but does not write."""
    rows = (picture.astype(">u2") * 257).view(np.uint8).reshape(len(picture), -1)
    scanlines = b"".join(b"\0" + row.tobytes() for row in rows)
    return png_chunks((picture.shape[1], picture.shape[0], 16, 2), scanlines)


def _formats(picture: np.ndarray) -> dict[str, bytes]:
    image = Image.fromarray(picture)
    grey = image.convert("L")
    frames = [image.rotate(180)]
    made = {
        "plain.png": encoded(image, "PNG"),
        "plain.jpg": encoded(image, "JPEG", quality=95),
        "progressive.jpeg": encoded(image, "JPEG", quality=95, progressive=True),
        "grey.jpg": encoded(grey, "JPEG", quality=95),
        "cmyk.jpg": encoded(image.convert("CMYK"), "JPEG", quality=95),
        "plain.webp": encoded(image, "WEBP", lossless=True),
        "moving.webp": encoded(image, "WEBP", save_all=True, append_images=frames, lossless=True),
        "plain.gif": encoded(image.convert("P", palette=Image.Palette.ADAPTIVE), "GIF"),
        "moving.gif": encoded(
            image.convert("P", palette=Image.Palette.ADAPTIVE), "GIF", save_all=True,
            append_images=[frames[0].convert("P", palette=Image.Palette.ADAPTIVE)],
        ),
        "moving.png": encoded(image, "PNG", save_all=True, append_images=frames),
        "plain.bmp": encoded(image, "BMP"),
        "plain.tif": encoded(image, "TIFF"),
        "packed.tiff": encoded(image, "TIFF", compression="tiff_lzw"),
        "pages.tif": encoded(image, "TIFF", save_all=True, append_images=frames),
        "cmyk.tif": encoded(image.convert("CMYK"), "TIFF"),
        "plain.ppm": encoded(image, "PPM"),
        "plain.pgm": encoded(grey, "PPM"),
        "stereo.mpo": encoded(image, "MPO", save_all=True, append_images=frames),
    }  # fmt: skip
    for name, form in (("plain.jp2", "JPEG2000"), ("plain.avif", "AVIF")):
        Image.init()
        if form in Image.SAVE:
            made[name] = encoded(image, form)
    return made


def _modes(picture: np.ndarray) -> dict[str, bytes]:
    image = Image.fromarray(picture)
    grey = image.convert("L")
    deep = Image.fromarray(np.asarray(grey).astype(np.uint16) * 257)
    clear = image.convert("RGBA")
    clear.putalpha(Image.fromarray(np.full(picture.shape[:2], 255, np.uint8)))
    few = image.quantize(64)
    see_through = few.copy()
    see_through.info["transparency"] = 255
    return {
        "grey.png": encoded(grey, "PNG"),
        "grey-16.png": encoded(deep, "PNG"),
        "grey-16.tif": encoded(deep, "TIFF"),
        "grey-16.pgm": encoded(deep, "PPM"),
        "deep.png": deep_png(picture),
        "alpha.png": encoded(clear, "PNG"),
        "alpha.tif": encoded(clear, "TIFF"),
        "alpha.webp": encoded(clear, "WEBP", lossless=True),
        "grey-alpha.png": encoded(clear.convert("LA"), "PNG"),
        "palette.png": encoded(few, "PNG"),
        "palette-clear.png": encoded(see_through, "PNG", transparency=255),
        "key-colour.png": encoded(image, "PNG", transparency=(1, 2, 3)),
    }


def _oddities(picture: np.ndarray) -> dict[str, bytes]:
    """Sound pictures with something about them."""
    image = Image.fromarray(picture)
    jpeg = encoded(image, "JPEG", quality=95)
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    made = {
        "profile.png": encoded(image, "PNG", icc_profile=srgb),
        "profile-broken.png": encoded(image, "PNG", icc_profile=b"no profile at all"),
        "exif-broken.jpg": encoded(
            image, "JPEG", quality=95, exif=b"Exif\0\0MM\0*\xff\xff\xff\xff"
        ),
        "litter-behind.jpg": jpeg + b"\0" * 999 + b"more",
        "jpeg-inside.png": jpeg,
        "LOUD.PNG": encoded(image, "PNG"),
        "no-suffix": encoded(image, "PNG"),
        "spaces in its name.png": encoded(image, "PNG"),
        "brackets[1]*?.png": encoded(image, "PNG"),
        "u\u0308mlaut-decomposed.png": encoded(image, "PNG"),
        "\u30cd\u30b3.png": encoded(image, "PNG"),
        "quote'\".png": encoded(image, "PNG"),
        "-dash.png": encoded(image, "PNG"),
        "percent%20&amp;<b>.png": encoded(image, "PNG"),
    }
    for turn, before in UNDO.items():
        exif = Image.Exif()
        exif[EXIF_ORIENTATION] = turn
        made[f"turned-{turn}.jpg"] = encoded(image.transpose(before), "JPEG", quality=95, exif=exif)
    return made


def _damaged(picture: np.ndarray) -> dict[str, bytes]:
    image = Image.fromarray(picture)
    png, jpeg = encoded(image, "PNG"), encoded(image, "JPEG", quality=95)
    flipped = bytearray(png)
    flipped[len(png) // 2] ^= 0xFF
    tiff = bytearray(encoded(image, "TIFF"))
    start = struct.unpack_from("<I", tiff, 4)[0]
    struct.pack_into("<I", tiff, start + 2 + 12 * struct.unpack_from("<H", tiff, start)[0], start)
    return {
        "empty.png": b"",
        "cut.png": png[: len(png) // 2],
        "cut.jpg": jpeg[: len(jpeg) // 2],
        "cut.tif": encoded(image, "TIFF")[: picture.size // 2],
        "cut.webp": encoded(image, "WEBP", lossless=True)[:-40],
        "cut.bmp": encoded(image, "BMP")[:200],
        "cut.gif": encoded(image.convert("L"), "GIF")[:60],
        "head-only.png": png[:33],
        "mark-only.jpg": b"\xff\xd8\xff",
        "mark-only.png": b"\x89PNG\r\n\x1a\n",
        "noise-behind-mark.png": png[:8] + np.random.default_rng(0).bytes(500),
        "flipped-byte.png": bytes(flipped),
        "no-size.png": png_chunks((0, 0, 8, 2), b""),
        "no-data.png": png_chunks((32, 32, 8, 2), b""),
        "maxval-0.pgm": b"P5 4 4 0\n" + bytes(16),
        "short.ppm": b"P6 64 64 255\n" + bytes(10),
        "noise.png": np.random.default_rng(1).bytes(3000),
        "noise.jpg": b"\xff\xd8\xff\xe0" + np.random.default_rng(2).bytes(3000),
    }


def _foreign() -> dict[str, bytes]:
    """Files of other kinds, under the names of pictures or their own."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("picture.txt", "none")
    matrix = io.BytesIO()
    np.save(matrix, np.array([{"a": 1}], dtype=object), allow_pickle=True)
    eps = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n(x) show\nshowpage\n%%EOF\n"
    return {
        "text.png": b"This is no picture.\n",
        "wide-text.jpg": "No picture.".encode("utf-16"),
        "page.jpg": b"<!doctype html><html><body>404</body></html>",
        "postscript.png": eps,
        "postscript.eps": eps,
        "document.png": b"%PDF-1.4\n1 0 obj<<>>endobj\ntrailer<<>>\n%%EOF\n",
        "vector.svg": b"<svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'/>",
        "vector.png": b"<?xml version='1.0'?><svg xmlns='http://www.w3.org/2000/svg'/>",
        "numbers.json": b'{"a": 1}',
        "table.csv": b"a,b\n1,2\n",
        "archive.png": archive.getvalue(),
        "pickled.npy": matrix.getvalue(),
        "pickled.png": pickle.dumps({"a": 1}),
        "phone.heic": b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(200),
        "film.mp4": b"\0\0\0\x18ftypisom\0\0\2\0isomiso2" + bytes(200),
        "layers.psd": b"8BPS\0\1" + bytes(6) + struct.pack(">HIIHH", 3, 4, 4, 8, 3) + bytes(100),
        "painter.xcf": b"gimp xcf v011\0" + bytes(100),
        "next.jxl": b"\xff\x0a" + bytes(100),
        "light.exr": b"\x76\x2f\x31\x01" + bytes(100),
        "light.hdr": b"#?RADIANCE\nFORMAT=32-bit_rle_rgbe\n\n-Y 2 +X 2\n" + bytes(16),
        "stars.fits": b"SIMPLE  =                    T".ljust(2880),
        "window.wmf": b"\xd7\xcd\xc6\x9a" + bytes(100),
        "camera.dng": encoded(
            Image.new("RGB", (16, 16), "red"), "TIFF", tiffinfo={50706: b"\1\4\0\0"}
        ),
        "raw-inside.tif": encoded(
            Image.new("RGB", (16, 16), "red"), "TIFF", tiffinfo={50706: b"\1\4\0\0"}
        ),
        "icon.ico": encoded(Image.new("RGB", (16, 16), "red"), "ICO"),
        "fax.pcx": encoded(Image.new("RGB", (16, 16), "red"), "PCX"),
    }


def _unreasonable(picture: np.ndarray) -> dict[str, bytes]:
    """Pictures in form, with which nothing can be done."""
    values = picture[..., 0].astype(np.float32)
    bomb = png_chunks((30000, 30000, 1, 0), bytes(3751) * 30000)
    return {
        "bomb.png": bomb,
        "bomb-claimed.png": png_chunks((2**31 - 1, 2**31 - 1, 8, 2), b"\0"),
        "bomb.bmp": encoded(Image.fromarray(picture), "BMP")[:18]
        + struct.pack("<ii", 2**30, 2**30)
        + encoded(Image.fromarray(picture), "BMP")[26:],
        "float.tif": encoded(Image.fromarray(values / 255), "TIFF"),
        "nan.tif": encoded(Image.fromarray(np.full((32, 32), np.nan, np.float32)), "TIFF"),
        "signed-32.tif": encoded(
            Image.fromarray((values.astype(np.int32) - 128) * 100_000), "TIFF"
        ),
    }


def _no_files(folder: Path) -> list[Path]:
    """What is there under a name and cannot be read as a file, or is not there."""
    makers: dict[str, Callable[[Path], object]] = {
        "folder.png": lambda path: path.mkdir(exist_ok=True),
        "dangling.png": lambda path: path.symlink_to("nowhere.png"),
        "endless.png": lambda path: path.symlink_to("endless.png"),
        "pipe.png": lambda path: os.mkfifo(path),
        "device.png": lambda path: path.symlink_to("/dev/zero"),
        "not-there.png": lambda path: None,
        "plain.png/below.png": lambda path: None,
        "n" * 300 + ".png": lambda path: None,
    }
    for name, make in makers.items():
        path = folder / name
        if len(name) < 256 and not path.is_symlink() and not path.parent.is_file():
            path.unlink(missing_ok=True) if path.is_fifo() else None
            make(path)
    return [folder / name for name in makers]


# Pillow, told to be lenient by one test, would be so in all others.
assert not ImageFile.LOAD_TRUNCATED_IMAGES
