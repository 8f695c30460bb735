"""Kind `pairs`: side-by-side A|B images, a photograph and its condition.

Source: Isola et al., Image-to-Image Translation with Conditional Adversarial Networks, CVPR 2017.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from exemplar.data.crops import Region, central_square, large_enough, resized
from exemplar.data.drawings import drawing_map
from exemplar.data.inputs import BadPhoto, DomainError, Listing, Photo, Picture
from exemplar.data.photo_files import image_files
from exemplar.data.photo_settings import PairsSettings
from exemplar.labels.colours import packed
from exemplar.labels.domains import known_of_pairs
from exemplar.labels.drawn import Drawn
from exemplar.labels.known import Known
from exemplar.labels.recognition import Recognised, UnlikeClasses, recognised
from exemplar.labels.shares import counted
from exemplar.labels.values import per_cent

BELOW = ""


def inputs(settings: PairsSettings) -> Listing:
    """Every pair of the split folders, the test pairs first.

    First because of two equal pairs the first is kept: a test set stays whole.

    Raises:
        DomainError: a folder is missing.
    """
    folders = settings.folders
    listing = Listing()
    for split, folder in (("test", folders.test), ("val", folders.val), ("train", folders.train)):
        if folder is None:
            continue
        if not (settings.root / folder).is_dir():
            raise DomainError(
                f"{settings.root / folder}: expected a folder of A|B images, but there is none. "
                f"Copy or link the data set there, or name the folder of the {split} split under "
                "folders: in params.yaml (for val and test, null divides train)"
            )
        # Where another split has no folder of its own, it is taken out of train.
        fixed = "" if split == "train" else split
        listing.photos += [
            Photo(source, split=fixed) for source in image_files(settings.root, folder, listing)
        ]
    return listing


def picture(image: Image.Image, photo: Photo, settings: PairsSettings, size: int) -> Picture:
    """The photograph's half, and the other half as `labels` or `edges`.

    Args:
        image: RGB, upright, both halves.
        photo: not used.
        settings: of the domain.
        size: pixels a side.

    Returns:
        `image` u8, and `labels` (size, size) u8, places of classes or 255, or `edges` (size, size)
        f16 in [0, 1].

    Raises:
        BadPhoto: it has no two halves, they are too small, or the condition is none.
    """
    width, height = image.size
    if width % 2:
        raise BadPhoto(f"expected two halves of equal width, got {width}×{height}")
    half = width // 2
    large_enough(half, height, settings.min_side)
    photograph, condition = halves(image, settings)
    region = central_square(half, height)
    if settings.condition == "labels":
        known = known_of_pairs(settings)
        found = label_map(condition.crop(region), known)
        given = most_frequent(found.labels, size)
        counts, notes = tuple(counted(given, len(known.names)).tolist()), found.notes
    else:
        counts, notes = (), ()
        given = edge_map(condition, region, size)
    side = region[2] - region[0]
    arrays = {"image": resized(photograph, region, size), settings.condition: given}
    start = 0 if settings.photo == "left" else half
    box = (region[0] + start, region[1], region[2] + start, region[3])
    return Picture(arrays, side, side, counts, notes, box)


def halves(image: Image.Image, settings: PairsSettings) -> tuple[Image.Image, Image.Image]:
    """The photograph's half of an image of even width, and the other."""
    half = image.width // 2
    left = image.crop((0, 0, half, image.height))
    right = image.crop((half, 0, image.width, image.height))
    return (left, right) if settings.photo == "left" else (right, left)


def label_map(image: Image.Image, known: Known) -> Recognised:
    """Classes from colours, which compression may have moved.

    Args:
        image: RGB.
        known: the classes, with their colours.

    Returns:
        The map, as `labels.recognition` reads every one.

    Raises:
        BadPhoto: too few pixels are near any colour of a class, or areas have another colour.
    """
    # Of colours alone: that the half of a file is grey makes no numbers of it.
    drawn = Drawn(packed(np.asarray(image)), None, coloured=True, inexact=True)
    try:
        return recognised(drawn, known)
    except UnlikeClasses as error:
        raise BadPhoto(
            f"expected a label map, but only {per_cent(error.near)} of its pixels are near a class "
            "colour; is the photograph on the other side?"
        ) from None
    except BadPhoto as error:
        raise BadPhoto(f"its label map {error}") from None


def most_frequent(labels: NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
    """A square map at another size: each pixel the most frequent label of what it covers.

    Args:
        labels: (S, S) u8, places of classes or 255.
        size: pixels a side of the result.

    Returns:
        (size, size) u8; of equally frequent classes the first, and no class after all of them.
    """
    present = np.unique(labels)
    votes = [_shrunk((labels == number).astype(np.float32), size) for number in present]
    return present[np.argmax(votes, axis=0)]


def edge_map(image: Image.Image, region: Region, size: int) -> np.ndarray:
    """Edges from a drawing, such as of dark lines on white: 1 on a line, 0 on the ground.

    Args:
        image: RGB.
        region: the square that is used.
        size: pixels a side of the result.

    Returns:
        (size, size) f16 in [0, 1], as users' drawings are read (`drawings`).

    Raises:
        BadPhoto: the picture is blank, or a photograph.
    """
    try:
        return drawing_map(np.asarray(image.crop(region)), (size, size)).astype(np.float16)
    except BadPhoto as error:
        raise BadPhoto(f"{error}; is the photograph on the other side?") from None


def _shrunk(values: np.ndarray, size: int) -> np.ndarray:
    """Area means (nearest when enlarging): (S, S) → (size, size) float32."""
    image = Image.fromarray(np.ascontiguousarray(values, np.float32))
    return np.asarray(image.resize((size, size), Image.Resampling.BOX))
