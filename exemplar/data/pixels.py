"""From a file's bytes to upright RGB pixels, or to whole numbers, or the reason why not."""

from __future__ import annotations

import io
import warnings

import numpy as np
from PIL import Image, ImageCms, UnidentifiedImageError

from exemplar.data.inputs import BadPhoto
from exemplar.data.signatures import CAMERA_RAW, is_camera_raw, kind_of

# Only formats that hold photographs: others (PostScript, say) would start further programs.
FORMATS = ("JPEG", "MPO", "PNG", "WEBP", "GIF", "BMP", "TIFF", "PPM", "JPEG2000", "AVIF")
MAX_PIXELS = 80_000_000  # beyond, a file is taken for a decompression bomb
SAVE_BITS = "save it with 8 or 16 bits a channel"
ORIENTATION = 0x0112  # the EXIF tag
NUMBERS = ("1", "L", "P", "I", "I;16", "I;16L", "I;16B", "I;16N")  # modes of one number a pixel
UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def decode(data: bytes) -> Image.Image:
    """Decodes an image to upright 8-bit sRGB.

    EXIF orientation is applied, 16-bit grey is scaled, alpha is laid over white, an embedded
    colour profile is honoured (CMYK without one is converted plainly), palettes and grey become
    RGB, and of several frames or pages the first is taken.

    Args:
        data: a whole file.

    Returns:
        An image of mode RGB.

    Raises:
        BadPhoto: it is no image, is truncated, is too large, or has values of unknown range.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about odd metadata, which does no harm
        image = _loaded(data)
        turn = UPRIGHT.get(_orientation(image))
        image = _srgb(_opaque(_eight_bits(image)))
        return image.transpose(turn) if turn is not None else image


def numbers(data: bytes) -> np.ndarray:
    """Decodes a map of whole numbers, such as labels or instances: nothing is scaled.

    Args:
        data: a whole file, grey or with a palette, of up to 32 bits.

    Returns:
        (H, W) i64; of a palette, its places.

    Raises:
        BadPhoto: it is no image, is truncated or too large, or has colours.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        image = _loaded(data)
        if image.mode not in NUMBERS:
            raise BadPhoto(
                "expected one number a pixel (a grey or palette image of 8, 16 or 32 bits), got "
                f"mode {image.mode}; save numbers, not colours"
            )
        return np.asarray(image).astype(np.int64)


def stored(data: bytes) -> Image.Image:
    """Decodes an image as it is stored, upright: no value is changed, a palette stays.

    Args:
        data: a whole file.

    Returns:
        An image of any mode.

    Raises:
        BadPhoto: it is no image, is truncated, or is too large.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        image = _loaded(data)
        turn = UPRIGHT.get(_orientation(image))
        return image.transpose(turn) if turn is not None else image


def _loaded(data: bytes) -> Image.Image:
    """The image as it is stored."""
    if is_camera_raw(data):  # what could be read of it is a thumbnail
        raise BadPhoto(CAMERA_RAW)
    try:
        image = _opened(data)
        image.load()
    except BadPhoto:
        raise
    except UnidentifiedImageError:
        raise BadPhoto(_not_an_image(data)) from None
    except Image.DecompressionBombError:
        raise BadPhoto(_too_large("its size")) from None
    except Exception as error:  # a decoder that is fed noise may raise anything
        raise BadPhoto(f"cannot be decoded: {str(error) or type(error).__name__}") from error
    return image


def _opened(data: bytes) -> Image.Image:
    """Reads the header only."""
    Image.init()
    image = Image.open(io.BytesIO(data), formats=[name for name in FORMATS if name in Image.OPEN])
    if image.width * image.height > MAX_PIXELS:
        raise BadPhoto(_too_large(f"{image.width}×{image.height}"))
    return image


def _too_large(what: str) -> str:
    return f"too large: {what} is more than {MAX_PIXELS // 1_000_000} million pixels"


def _not_an_image(data: bytes) -> str:
    if not data:
        return "not an image: the file is empty"
    known = ", ".join(FORMATS)
    kind = kind_of(data)
    said = f": it is {kind}" if kind else ""
    return f"not an image of a known format ({known}){said}; save it as PNG or JPEG"


def _orientation(image: Image.Image) -> int:
    """The EXIF orientation, 1 (upright) if there is none that can be read."""
    try:
        return image.getexif().get(ORIENTATION, 1)
    except Exception:  # damaged metadata around sound pixels
        return 1


def _eight_bits(image: Image.Image) -> Image.Image:
    """Scales 16-bit grey to 8 bits; RGB of 16 bits comes from the decoder with its high bytes."""
    if image.mode == "F":
        raise BadPhoto(f"floating-point pixels, whose range is not known; {SAVE_BITS}")
    if not image.mode.startswith("I"):
        return image
    values = np.asarray(image).astype(np.int64)
    if values.min() < 0 or values.max() > 65535:
        raise BadPhoto(f"32-bit pixels, whose range is not known; {SAVE_BITS}")
    scaled = Image.fromarray(np.rint(values / 257).astype(np.uint8))
    clear = image.info.get("transparency")
    if isinstance(clear, int):
        # Compared before scaling: many greys of 16 bits become the one that is transparent.
        scaled.putalpha(Image.fromarray(np.where(values == clear, 0, 255).astype(np.uint8)))
    if profile := image.info.get("icc_profile"):
        scaled.info["icc_profile"] = profile
    return scaled


def _opaque(image: Image.Image) -> Image.Image:
    """Lays transparent images over white, and resolves palettes; keeps the colour profile."""
    profile = image.info.get("icc_profile")
    if image.has_transparency_data:
        coloured = image.convert("RGBA")
        image = Image.new("RGBA", image.size, "white")
        image.alpha_composite(coloured)
        image = image.convert("RGB")
    elif image.mode not in ("L", "RGB", "CMYK"):
        try:
            image = image.convert("RGB")
        except ValueError as error:
            raise BadPhoto(f"pixels of mode {image.mode} cannot be made RGB") from error
    if profile:
        image.info["icc_profile"] = profile
    return image


def _srgb(image: Image.Image) -> Image.Image:
    """Converts to sRGB by the embedded profile; one that does not fit is ignored."""
    profile = image.info.get("icc_profile")
    if profile:
        try:
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            if "sRGB" not in ImageCms.getProfileDescription(source):
                target = ImageCms.createProfile("sRGB")
                converted = ImageCms.profileToProfile(image, source, target, outputMode="RGB")
                return converted or image.convert("RGB")
        except (OSError, ImageCms.PyCMSError):
            pass
    return image.convert("RGB")
