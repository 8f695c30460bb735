"""Looking at every input once: decode, hash, crop; what fails gets a reason.

The same functions, run again by the writing pass, give the arrays. They run in worker processes,
so they take and return plain values only.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from PIL import Image

from exemplar.data import celeba, folder, labelled, pairs, pets, zappos
from exemplar.data.inputs import BadPhoto, Box, DomainError, Photo, Picture
from exemplar.data.photo_files import advice, bytes_of
from exemplar.data.photo_settings import Photos
from exemplar.data.pixels import decode

KINDS = {
    "folder": folder, "pets": pets, "celeba": celeba, "zappos": zappos, "pairs": pairs,
    "labelled": labelled,
}  # fmt: skip


@dataclass(frozen=True)
class Finding:
    """What is known of one input after looking at it."""

    reason: str = ""  # why it cannot be used; empty if it can
    sha256: str = ""  # of the file
    pixels: str = ""  # hash of the decoded image
    width: int = 0  # of the region that is used
    height: int = 0
    counts: tuple[int, ...] = ()  # of given labels, see `Picture`
    notes: tuple[str, ...] = ()
    box: Box = (0.0, 0.0, 0.0, 0.0)  # that is used, see `Picture`
    way: str = ""
    palette: tuple[tuple[int, int], ...] = ()
    given: str = ""  # sha256 of the files of given labels


def examine(task: tuple[list[Photo], Photos, int]) -> list[Finding]:
    """Looks at one file and all the boxes in it.

    Args:
        task: the inputs from one file, the domain's settings, and the image size.

    Returns:
        One finding for each input.
    """
    photos, settings, size = task
    try:
        data = bytes_of(settings.root / photos[0].source)
        image = decode(data)
    except BadPhoto as error:
        what_to_do = advice(photos[0].source) if str(error).startswith("not an image") else ""
        return [Finding(f"{error}{what_to_do}")] * len(photos)
    sha256 = hashlib.sha256(data).hexdigest()
    shape = f"{image.width}×{image.height}".encode()
    pixels = hashlib.sha256(shape + image.tobytes()).hexdigest()
    findings = []
    for photo in photos:
        try:
            made = _picture(image, photo, settings, size)
            about = (made.width, made.height, made.counts, made.notes, made.box)
            given = (made.way, made.palette, made.given)
            findings.append(Finding("", sha256, pixels, *about, *given))
        except BadPhoto as error:
            findings.append(Finding(str(error), sha256, pixels))
    return findings


def render(task: tuple[Photo, Finding, Photos, int]) -> Picture:
    """Makes one image of the domain.

    Args:
        task: an input that was found good, what was found, the domain's settings, and the image
            size.

    Raises:
        DomainError: the file is no longer the one that was looked at.
    """
    photo, finding, settings, size = task
    path = settings.root / photo.source
    try:
        data = bytes_of(path)
        if hashlib.sha256(data).hexdigest() == finding.sha256:
            made = _picture(decode(data), photo, settings, size)
            if made.given == finding.given:
                return made
            path = settings.root / photo.labels
    except BadPhoto:
        pass
    raise DomainError(f"{path}: changed while the domain was being prepared; run the stage again")


def _picture(image: Image.Image, photo: Photo, settings: Photos, size: int) -> Picture:
    if photo.stated not in (None, image.size):
        raise BadPhoto(
            "its annotation is for an image of {}×{}, the file has {}×{}".format(
                *photo.stated, *image.size
            )
        )
    return KINDS[settings.kind].picture(image, photo, settings, size)
