"""Kind `zappos`: UT Zappos50K, shoes on white, padded to squares.

Source: Yu and Grauman, Fine-Grained Visual Comparisons with Local Learning, CVPR 2014.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import PurePosixPath

from PIL import Image

from exemplar.data.boxes import category_of, matched, read_table
from exemplar.data.crops import large_enough, padded_square, resized, square_with_margins
from exemplar.data.inputs import Listing, Photo, Picture, need_root
from exemplar.data.photo_files import image_files
from exemplar.data.photo_settings import ZapposSettings

BELOW = "images"
LAYOUTS = ("images", "ut-zap50k-images-square", "ut-zap50k-images", ".")
PAGE = "https://vision.cs.utexas.edu/projects/finegrained/utzap50k/"


def inputs(settings: ZapposSettings) -> Listing:
    """Every shoe; its category from the manifest, else from the first subfolder.

    Raises:
        DomainError: the data set or the manifest is not there.
    """
    root = settings.root
    folder = need_root(root, "shoe photographs", f"Get UT Zappos50K from {PAGE}", *LAYOUTS)
    below = folder.relative_to(root).as_posix()
    listing = Listing()
    used = [] if settings.manifest is None else [settings.manifest.as_posix()]
    sources = image_files(root, below, listing, used)
    photos = {source: Photo(source, category=_subfolder(source, below)) for source in sources}
    if settings.manifest is not None:
        rows = read_table(root / settings.manifest, root, ("category",), listing)
        for row, source in matched(rows, sources, below, listing):
            photos[source] = replace(photos[source], category=category_of(row) or "")
    listing.photos = list(photos.values())
    return listing


def _subfolder(source: str, below: str) -> str:
    parts = PurePosixPath(source).relative_to(below).parts
    return parts[0] if len(parts) > 1 else ""


def picture(image: Image.Image, photo: Photo, settings: ZapposSettings, size: int) -> Picture:
    """The whole photograph in a white square, so that no toe or heel is cut.

    Args:
        image: RGB, upright.
        photo: not used.
        settings: of the domain.
        size: pixels a side.

    Raises:
        BadPhoto: it is too small.
    """
    large_enough(*image.size, settings.min_side)
    whole = padded_square(image)
    arrays = {"image": resized(whole, (0, 0, *whole.size), size)}
    return Picture(arrays, *image.size, box=square_with_margins(*image.size))
