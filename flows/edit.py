"""`exemplar edit`: photographs of label maps, with classes and styles to choose, as files."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from exemplar.labels.colours import label_palette
from exemplar.labels.domains import known_in
from exemplar.methods.pix2pixhd.answers import answer
from exemplar.methods.pix2pixhd.layouts import IGNORE, REMEDY
from exemplar.methods.pix2pixhd.model import load_model
from exemplar.methods.pix2pixhd.requests import Request
from exemplar.methods.pix2pixhd.stored import SamplesSettings, classes_of
from exemplar.methods.pix2pixhd.styles import load_styles
from exemplar.settings import load_params, section
from exemplar.store import layout
from exemplar.store.arrays import array, open_group, read_rows
from exemplar.store.files import written
from exemplar.store.items import read_items

FOLDER = "layouts"


class EditDomainError(ValueError):
    """A domain has no such network, or no such image."""


def edit(request: Request, domain: str, out: Path) -> list[Path]:
    """Writes images of label maps.

    Args:
        request: what to make; its labels may be the id of one of the domain's images, whose maps
            and photograph are then written to `out/layouts` and used, unless others are named.
        domain: whose network, with all its enhancers, is used.
        out: the folder to write to; files of the same names are replaced.

    Returns:
        The images, one a label map and sample.

    Raises:
        EditDomainError: the network is not trained, or there is neither such a file nor such an
            image.
        RequestError: the request cannot be met; no image was written.
    """
    params = load_params()
    settings = section(params, "pix2pixhd_samples", SamplesSettings)
    weights = layout.pix2pixhd(domain, "enhancer")
    looks = layout.pix2pixhd_styles(domain, "enhancer")
    for path in (weights, looks):
        if not path.is_file():
            raise EditDomainError(
                f"{path}: no such file; `exemplar reproduce pix2pixhd_styles@{domain}-enhancer` "
                f"makes it, once {domain} is in run.layouts of params.yaml"
            )
    request = _as_numbered(request, params, domain)
    if not request.labels.exists():
        request = _from_domain(request, domain, out / FOLDER)
    return answer(load_model(weights, settings.device), load_styles(looks), request, out)


def _as_numbered(request: Request, params: dict[str, Any], domain: str) -> Request:
    """A request whose label maps have the numbers and colours that the domain's own files have."""
    known = known_in(params, domain, classes_of(domain), REMEDY)
    places = tuple(range(len(known.numbers)))
    return replace(request, known=known, numbers=() if known.numbers == places else known.numbers)


def _from_domain(request: Request, domain: str, folder: Path) -> Request:
    """A request for one of the domain's own images, by its id."""
    identity = str(request.labels)
    ids = read_items(layout.items(domain))["id"].astype(str).tolist()
    if identity not in ids:
        shown = ", ".join([*ids[:2], "…", *ids[-2:]]) if len(ids) > 4 else ", ".join(ids)
        raise EditDomainError(
            f"{identity}: no such file, and {domain} has no image of this id; its ids are {shown}"
        )
    row = [ids.index(identity)]
    labels = read_rows(array(open_group(layout.conditions(domain), "labels"), "labels"), row)[0]
    images = open_group(layout.images(domain), "image")
    maps = {f"{identity}.png": _label_map(labels, request.numbers)}
    if "instances" in images:
        instances = read_rows(array(images, "instances"), row)[0]
        maps[f"{identity}-instances.png"] = Image.fromarray(instances.astype(np.uint16))
    known = "photographed" not in images or read_rows(array(images, "photographed"), row)[0]
    if known:
        photograph = read_rows(array(images, "image"), row)[0]
        maps[f"{identity}-photograph.png"] = Image.fromarray(photograph)
    for name, image in maps.items():
        with written(folder / name) as partial:
            image.save(partial, format="PNG")
    given = request.instances
    if given is None and f"{identity}-instances.png" in maps:
        given = folder / f"{identity}-instances.png"
    return replace(request, labels=folder / f"{identity}.png", instances=given)


def _label_map(labels: np.ndarray, numbers: tuple[int, ...]) -> Image.Image:
    """A label map as users have it, with colours so that it can be seen, and painted in."""
    table = np.full(IGNORE + 1, IGNORE)
    table[: len(numbers)] = numbers
    values = table[labels] if numbers else labels
    if values.max() > IGNORE:  # more than a palette holds
        return Image.fromarray(values.astype(np.uint16))
    image = Image.fromarray(values.astype(np.uint8))
    image.putpalette(label_palette().tobytes())
    return image
