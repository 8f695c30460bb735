"""Kind `pets`: Oxford-IIIT Pet, heads cropped by their boxes, the breed as category.

Source: Parkhi et al., Cats and Dogs, CVPR 2012.
"""

from __future__ import annotations

from pathlib import Path

from PIL import Image

from exemplar.data.boxes import boxed, voc_boxes
from exemplar.data.crops import clipped, large_enough, resized, square_around
from exemplar.data.download import PAGES, fetch
from exemplar.data.inputs import DomainError, Listing, Photo, Picture, need_root
from exemplar.data.photo_files import image_files
from exemplar.data.photo_settings import PetsSettings
from exemplar.store.items import comparable

BELOW = "images"
LAYOUTS = ("images", "oxford-iiit-pet/images")  # unpacked by hand, or by torchvision


def inputs(settings: PetsSettings) -> Listing:
    """Every head box; photographs without one are listed as left out.

    Raises:
        DomainError: the data set is not there, or has no boxes.
    """
    if settings.download and not any((settings.root / layout).is_dir() for layout in LAYOUTS):
        fetch("pets", settings.root)
    folder = need_root(
        settings.root,
        "the Oxford-IIIT Pet layout",
        f"Get images and annotations from {PAGES['pets']}, or set download: true",
        *LAYOUTS,
    )
    root = settings.root
    annotations = folder.parent / "annotations"
    files = Listing()
    below = folder.relative_to(root).as_posix()
    used = [] if settings.boxes is None else [settings.boxes.as_posix()]
    sources = image_files(root, below, files, used)
    given = _lists(annotations) if settings.splits.by == "lists" else {}
    photos = {}
    for source in sources:
        stem = Path(source).stem
        split = given.get(comparable(stem), "")
        photos[source] = Photo(source, category=stem.rpartition("_")[0], split=split)
    if settings.boxes is not None:
        found = boxed(root / settings.boxes, root, sources, below, photos)
    else:
        found = _from_xml(annotations / "xmls", root, photos)
    return Listing(found.photos, files.rejections + found.rejections)


def _lists(annotations: Path) -> dict[str, str]:
    """The data set's own division: image name → train or test.

    Its test photographs have no head boxes in the published annotations.
    """
    given = {}
    for name, split in (("trainval.txt", ""), ("test.txt", "test")):
        if (annotations / name).is_file():
            lines = (annotations / name).read_text().splitlines()
            given |= {comparable(line.split()[0]): split for line in lines if line.strip()}
    return given


def _from_xml(folder: Path, root: Path, photos: dict[str, Photo]) -> Listing:
    """Every object of every annotation."""
    if not folder.is_dir():
        raise DomainError(
            f"{folder}: expected head boxes as XML files, but there is no such folder; "
            "unpack the annotations beside the images, or name a CSV of boxes: in params.yaml"
        )
    listing = Listing()
    files = [path for path in sorted(folder.glob("*.xml")) if not path.name.startswith(".")]
    annotations = {comparable(path.stem): path for path in files}
    for source, photo in photos.items():
        path = annotations.pop(comparable(Path(source).stem), None)
        if path is None:
            listing.reject(source, "left out: no head box", bad=False)
            continue
        try:
            heads = voc_boxes(path, photo)
        except ValueError as error:
            listing.reject(source, f"its annotation {path.relative_to(root).as_posix()}: {error}")
            continue
        listing.photos += heads
        if not heads:
            listing.reject(source, "left out: no head box", bad=False)
    for path in annotations.values():
        listing.reject(path.relative_to(root).as_posix(), "there is no such image")
    return listing


def picture(image: Image.Image, photo: Photo, settings: PetsSettings, size: int) -> Picture:
    """The head: a square around its box, inside the photograph.

    Args:
        image: RGB, upright.
        photo: with its box.
        settings: of the domain.
        size: pixels a side.

    Raises:
        BadPhoto: the box is outside, or too small.
    """
    assert photo.box is not None, photo
    box = clipped(photo.box, *image.size)
    region = square_around(box, *image.size, settings.margin)
    side = region[2] - region[0]
    large_enough(side, side, settings.min_side)
    return Picture({"image": resized(image, region, size)}, side, side, box=region)
