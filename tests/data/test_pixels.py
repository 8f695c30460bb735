from __future__ import annotations

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image, ImageCms

from exemplar.data import pixels
from exemplar.data.inputs import BadPhoto
from exemplar.data.pixels import decode


def encoded(image: Image.Image, format: str = "PNG", **options) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format, **options)
    return buffer.getvalue()


def png(width: int, height: int, bits: int, kind: int, body: bytes) -> bytes:
    """A PNG file put together by hand, for what Pillow does not write."""

    def chunk(name: bytes, content: bytes) -> bytes:
        check = zlib.crc32(name + content)
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", check)

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, bits, kind, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", body) + chunk(b"IEND", b"")


def upright(data: bytes) -> np.ndarray:
    image = decode(data)
    assert image.mode == "RGB"
    return np.asarray(image)


@pytest.fixture
def picture(colours) -> np.ndarray:
    return colours(3)


@pytest.mark.parametrize("format", ["PNG", "BMP", "TIFF", "PPM"])
def test_lossless_formats_keep_their_pixels(picture, format):
    assert (upright(encoded(Image.fromarray(picture), format)) == picture).all()


# Row by row: what each EXIF orientation means, written as index arithmetic.
TURNS = {
    1: lambda a: a,
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.transpose(1, 0, 2),
    6: lambda a: a.transpose(1, 0, 2)[:, ::-1],
    7: lambda a: a.transpose(1, 0, 2)[::-1, ::-1],
    8: lambda a: a.transpose(1, 0, 2)[::-1],
}


@pytest.mark.parametrize("orientation", TURNS)
@pytest.mark.parametrize("format", ["PNG", "TIFF"])
def test_exif_orientation_is_applied_once(picture, orientation, format):
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = encoded(Image.fromarray(picture), format, exif=exif)
    assert (upright(data) == TURNS[orientation](picture)).all()


def test_sixteen_bit_grey_is_scaled_not_clipped():
    values = np.array([[0, 128, 257, 1000, 32768, 65535]], np.uint16)
    expected = np.rint(values / 65535 * 255).astype(np.uint8)
    for format in ("PNG", "TIFF"):
        got = upright(encoded(Image.fromarray(values), format))
        assert (got == expected[..., None]).all(), format


def test_sixteen_bit_colour_is_scaled_not_clipped():
    values = np.array([[[0, 256 * 7, 65535], [256 * 130, 255, 256 * 254]]], ">u2")
    data = png(2, 1, 16, 2, zlib.compress(b"\0" + values.tobytes()))
    assert np.abs(upright(data).astype(int) - values / 257).max() <= 1


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_alpha_is_laid_over_white(mode):
    channels = 4 if mode == "RGBA" else 2
    values = np.zeros((1, 3, channels), np.uint8)
    values[..., :-1] = 100
    values[0, :, -1] = (0, 255, 51)  # nothing, everything, a fifth
    got = upright(encoded(Image.fromarray(values, mode)))
    assert got[0, :, 0].tolist() == [255, 100, 255 - (255 - 100) // 5]


def test_palette_with_and_without_transparency(picture):
    flat = Image.fromarray(picture).quantize(16)
    assert (upright(encoded(flat)) == np.asarray(flat.convert("RGB"))).all()
    index = int(np.asarray(flat)[0, 0])
    got = upright(encoded(flat, transparency=index))
    there = np.asarray(flat) == index
    assert (got[there] == 255).all()
    assert (got[~there] == np.asarray(flat.convert("RGB"))[~there]).all()


def test_grey_and_bilevel_become_rgb():
    ramp = np.arange(0, 256, 5, dtype=np.uint8)[None].repeat(2, 0)
    assert (upright(encoded(Image.fromarray(ramp))) == ramp[..., None]).all()
    bits = Image.fromarray(ramp > 100)
    assert bits.mode == "1"
    assert (upright(encoded(bits)) == 255 * (ramp > 100)[..., None]).all()


def test_cmyk_has_its_colours():
    ink = np.zeros((16, 64, 4), np.uint8)  # cyan, magenta, yellow, black in stripes
    for stripe in range(4):
        ink[:, 16 * stripe : 16 * stripe + 16, stripe] = 255
    got = upright(encoded(Image.fromarray(ink, "CMYK"), "JPEG", quality=100))[8, 8::16]
    expected = [[0, 255, 255], [255, 0, 255], [255, 255, 0], [0, 0, 0]]
    assert np.abs(got.astype(int) - expected).max() <= 4


def srgb_profile() -> bytes:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def test_embedded_profile_is_honoured(picture):
    # sRGB with its red and green exchanged, under another name.
    swapped = srgb_profile().replace(b"rXYZ", b"?").replace(b"gXYZ", b"rXYZ").replace(b"?", b"gXYZ")
    swapped = swapped.replace("sRGB".encode("utf-16-be"), "swap".encode("utf-16-be"))
    got = upright(encoded(Image.fromarray(picture), icc_profile=swapped))
    assert np.abs(got.astype(int) - picture[..., [1, 0, 2]]).max() <= 2


def test_profile_that_does_not_fit_is_ignored(picture):
    lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    for profile in (srgb_profile(), lab, b"no profile at all"):
        assert (upright(encoded(Image.fromarray(picture), icc_profile=profile)) == picture).all()


def test_animation_gives_its_first_frame(colours):
    frames = [Image.fromarray(colours(seed)) for seed in (1, 2)]
    for format in ("PNG", "TIFF"):
        data = encoded(frames[0], format, save_all=True, append_images=frames[1:])
        assert (upright(data) == colours(1)).all(), format
    gif = upright(encoded(frames[0], "GIF", save_all=True, append_images=frames[1:]))
    assert np.abs(gif.astype(int) - colours(1)).mean() < np.abs(gif - colours(2).astype(int)).mean()


def test_truncation_is_found_at_every_length(picture):
    for format in ("PNG", "JPEG", "GIF", "BMP"):
        data = encoded(Image.fromarray(picture), format)
        for share in (0.1, 0.5, 0.9):
            with pytest.raises(BadPhoto):
                decode(data[: int(len(data) * share)])


def test_what_is_no_image_says_so():
    with pytest.raises(BadPhoto, match=r"not an image: the file is empty"):
        decode(b"")
    kinds = {
        b"hello, world": "text",
        "Grüße".encode() * 400: "text",
        b"%PDF-1.4 and so on": "a PDF document",
        b"%!PS-Adobe-3.0 EPSF-3.0\n": "PostScript",
        b"\xc5\xd0\xd3\xc6" + bytes(40): "PostScript",
        b'<?xml version="1.0"?>\n<svg xmlns="s"/>': "an SVG drawing",
        b"<!DOCTYPE html><html></html>": "a web page",
        b"\0\0\0\x18ftypheic\0\0\0\0mif1heic": "a HEIC photograph",
        b"\0\0\0\x18ftypisom": "a video or sound",
        b"8BPS\0\1": "a Photoshop document",
        b"PK\3\4 and so on": "a ZIP archive",
    }
    for data, kind in kinds.items():
        expected = (
            rf"not an image of a known format \(JPEG, MPO, PNG.*\): it is {kind}.*; save it as"
        )
        with pytest.raises(BadPhoto, match=expected):
            decode(data)
    with pytest.raises(BadPhoto, match=r"not an image of a known format \([^)]*\); save it as PNG"):
        decode(bytes(range(256)) * 9)


def test_transparent_grey_of_sixteen_bits_is_compared_before_it_is_scaled():
    values = np.array([[1000, 1001, 40000]], np.uint16)
    data = encoded(Image.fromarray(values), transparency=1000)
    assert upright(data)[0, :, 0].tolist() == [255, round(1001 / 257), round(40000 / 257)]


def test_profiles_of_sixteen_bit_grey_are_honoured():
    values = np.full((4, 4), 20000, np.uint16)
    profile = grey_profile(1.0)
    linear = upright(encoded(Image.fromarray(values), icc_profile=profile))[0, 0]
    light = 20000 / 65535  # sRGB's curve, as its definition has it
    expected = 255 * (1.055 * light ** (1 / 2.4) - 0.055)
    assert np.abs(linear - expected).max() <= 2


def grey_profile(gamma: float) -> bytes:
    """A profile of grey with a power for its curve, put together by hand (ICC.1, 8.3)."""
    xyz = b"XYZ \0\0\0\0" + struct.pack(">3i", 63190, 65536, 54061)
    curve = b"curv\0\0\0\0" + struct.pack(">IH", 1, round(gamma * 256)) + b"\0\0"
    text = b"desc\0\0\0\0" + struct.pack(">I", 5) + b"grey\0" + bytes(79)
    tags, body, place = b"", b"", 128 + 4 + 3 * 12
    for name, content in ((b"wtpt", xyz), (b"kTRC", curve), (b"desc", text)):
        tags += name + struct.pack(">2I", place + len(body), len(content))
        body += content + bytes(-len(content) % 4)
    size = place + len(body)
    head = struct.pack(">I4sI4s4s4s", size, b"lcms", 0x02100000, b"mntr", b"GRAY", b"XYZ ")
    head += bytes(12) + b"acsp" + bytes(28) + struct.pack(">3i", 63190, 65536, 54061)
    return head + bytes(128 - len(head)) + struct.pack(">I", 3) + tags + body


def test_reasons_are_the_same_in_every_run(picture):
    data = encoded(Image.fromarray(picture))
    for damaged in (b"no image", data[:60], data[:50] + bytes(40) + data[90:]):
        reasons = set()
        for _ in range(2):
            with pytest.raises(BadPhoto) as caught:
                decode(bytes(damaged))
            reasons.add(str(caught.value))
        assert len(reasons) == 1
        assert "0x" not in reasons.pop()


def test_decompression_bomb_is_not_unpacked(monkeypatch):
    # Black compresses a thousandfold: 400 million pixels in 400 kB. Only the header is read.
    body = zlib.compress(bytes(20001 * 200)) * 100
    with pytest.raises(BadPhoto, match="too large: its size is more than 80 million pixels"):
        decode(png(20000, 20000, 8, 0, body))
    with pytest.raises(BadPhoto, match="too large: 10000×10000 is more than 80 million pixels"):
        decode(png(10000, 10000, 8, 0, body))
    monkeypatch.setattr(pixels, "MAX_PIXELS", 99)
    with pytest.raises(BadPhoto, match="too large: 10×10 is more than"):
        decode(encoded(Image.new("RGB", (10, 10))))


def test_pixels_of_unknown_range_are_refused():
    for values in (np.array([[0.5, 2.0]], np.float32), np.array([[0, 1 << 20]], np.int32)):
        with pytest.raises(BadPhoto, match="whose range is not known"):
            decode(encoded(Image.fromarray(values), "TIFF"))
