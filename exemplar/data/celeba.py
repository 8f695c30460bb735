"""Kind `celeba`: CelebA's aligned faces, cropped to their centre.

Source: Liu et al., Deep Learning Face Attributes in the Wild, ICCV 2015.
"""

from __future__ import annotations

from pathlib import Path

from PIL import Image

from exemplar.data.crops import central_square, large_enough, resized
from exemplar.data.download import PAGES, fetch
from exemplar.data.inputs import BadPhoto, Listing, Photo, Picture, need_root
from exemplar.data.photo_files import image_files
from exemplar.data.photo_settings import CelebaSettings
from exemplar.store.items import comparable

BELOW = "images"
LAYOUTS = ("images", "img_align_celeba", "celeba/img_align_celeba")
WIDTH, HEIGHT = 178, 218  # of the aligned images; other sizes must have these proportions
PARTITION = "list_eval_partition.txt"
SPLITS = {"0": "train", "1": "val", "2": "test"}


def inputs(settings: CelebaSettings) -> Listing:
    """Every aligned face, in the order of the files' numbers.

    Raises:
        DomainError: the data set is not there.
    """
    root = settings.root
    if settings.download and not any((root / layout).is_dir() for layout in LAYOUTS):
        fetch("celeba", root)
    folder = need_root(
        root,
        "CelebA's aligned images",
        f"Get img_align_celeba from {PAGES['celeba']}, or set download: true",
        *LAYOUTS,
    )
    listing = Listing()
    given = _partition(folder.parent / PARTITION) if settings.splits.by == "lists" else {}
    for source in image_files(root, folder.relative_to(root).as_posix(), listing):
        listing.photos.append(Photo(source, split=given.get(comparable(Path(source).name), "")))
    return listing


def _partition(path: Path) -> dict[str, str]:
    """The data set's own division: file name → split."""
    if not path.is_file():
        return {}
    lines = (line.split() for line in path.read_text().splitlines())
    fitting = (fields for fields in lines if len(fields) == 2 and fields[1] in SPLITS)
    return {comparable(name): SPLITS[number] for name, number in fitting}


def picture(image: Image.Image, photo: Photo, settings: CelebaSettings, size: int) -> Picture:
    """The central square, from the chin to above the brows at the default of 148 in 178×218.

    Args:
        image: RGB, upright.
        photo: not used.
        settings: of the domain.
        size: pixels a side.

    Raises:
        BadPhoto: the image has not the proportions of an aligned face, or is too small.
    """
    width, height = image.size
    if abs(width / height - WIDTH / HEIGHT) > 0.02:
        raise BadPhoto(
            f"expected an aligned face of {WIDTH}×{HEIGHT} or alike, got {width}×{height}"
        )
    region = central_square(width, height, settings.crop / WIDTH)
    side = region[2] - region[0]
    large_enough(side, side, settings.min_side)
    return Picture({"image": resized(image, region, size)}, side, side, box=region)
