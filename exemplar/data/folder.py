"""Kind `folder`: any folder of images, optionally with a table of boxes and categories."""

from __future__ import annotations

from pathlib import PurePosixPath

from PIL import Image

from exemplar.data.boxes import boxed
from exemplar.data.crops import (
    central_square,
    clipped,
    large_enough,
    padded_square,
    resized,
    square_around,
    square_with_margins,
)
from exemplar.data.inputs import Listing, Photo, Picture, need_root
from exemplar.data.photo_files import image_files
from exemplar.data.photo_settings import FolderSettings

BELOW = ""


def inputs(settings: FolderSettings) -> Listing:
    """Every image below the root, or every box of the table.

    Raises:
        DomainError: the root or the table is missing.
    """
    need_root(settings.root, "a folder of images", "Copy or link your images there", ".")
    root = settings.root
    files = Listing()
    used = [] if settings.boxes is None else [settings.boxes.as_posix()]
    sources = image_files(root, ".", files, used)
    photos = {
        source: Photo(source, category=_category(source, settings.category)) for source in sources
    }
    if settings.boxes is None:
        return Listing(list(photos.values()), files.rejections)
    listing = boxed(root / settings.boxes, root, sources, ".", photos)
    return Listing(listing.photos, files.rejections + listing.rejections)


def _category(source: str, rule: str) -> str:
    parts = PurePosixPath(source).parts
    return parts[0] if rule == "folder" and len(parts) > 1 else ""


def picture(image: Image.Image, photo: Photo, settings: FolderSettings, size: int) -> Picture:
    """The square around the box, or the whole image cropped or padded to a square.

    Args:
        image: RGB, upright.
        photo: which box, if any.
        settings: of the domain.
        size: pixels a side.

    Raises:
        BadPhoto: the box is outside, or too little is left.
    """
    if photo.box is not None:
        box = clipped(photo.box, *image.size)
        region = square_around(box, *image.size, settings.margin)
    elif settings.fit == "pad":
        large_enough(*image.size, settings.min_side)
        whole = padded_square(image)
        arrays = {"image": resized(whole, (0, 0, *whole.size), size)}
        return Picture(arrays, *image.size, box=square_with_margins(*image.size))
    else:
        region = central_square(*image.size)
    side = region[2] - region[0]
    large_enough(side, side, settings.min_side)
    return Picture({"image": resized(image, region, size)}, side, side, box=region)
