"""`exemplar edit`: photographs of label maps, with classes and styles to choose, as files."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

from exemplar.data.problems import Problems
from exemplar.labels.colours import label_palette
from exemplar.labels.domains import known_in
from exemplar.methods.pix2pixhd.answers import answer, answer_files
from exemplar.methods.pix2pixhd.layouts import IGNORE, REMEDY, map_files
from exemplar.methods.pix2pixhd.model import Pix2pixHD, load_model
from exemplar.methods.pix2pixhd.requests import Checked, Request, RequestError, check
from exemplar.methods.pix2pixhd.stored import SamplesSettings, classes_of
from exemplar.methods.pix2pixhd.styles import Styles, load_styles
from exemplar.settings import load_params, near, section
from exemplar.store import layout
from exemplar.store.arrays import array, open_group, read_rows
from exemplar.store.files import content_hash
from exemplar.store.items import read_items, row_of_id
from flows.delivery import delivered, finished, tell_others, tell_replaced
from flows.places import check_places, check_room
from flows.records import Place, foreign, recorded

RECORD = "-edit.json"  # after a layout's name
BYTES = 8  # that a sample's pixel takes, in all files together
FOLDER = "layouts"


class EditDomainError(ValueError):
    """A domain has no such network, or no such image."""


class Own(NamedTuple):
    """One of a domain's images, to be written for the user to paint on.

    Attributes:
        place: of its maps.
        maps: images by their names.
        request: for the maps, once they are there.
        origin: a hash of them.
    """

    place: Place
    maps: dict[str, Image.Image]
    request: Request
    origin: str


def edit(request: Request, domain: str, out: Path) -> list[Path]:
    """Writes images of label maps.

    Args:
        request: what to make; its labels may be the id of one of the domain's images, whose maps
            and photograph are then written to `out/layouts` and used, unless others are named.
        domain: whose network, with all its enhancers, is used.
        out: the folder to write to; results of earlier runs for a label map of the same name are
            replaced, other files never.

    Returns:
        The images, one a label map and sample.

    Raises:
        EditDomainError: the network is not trained, or there is neither such a file nor such an
            image.
        RequestError: the request cannot be met, results cannot be written, or files would be
            lost; every problem, and nothing was written.
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
    own = None if request.labels.exists() else _from_domain(request, domain, out / FOLDER)
    model, styles = load_model(weights, settings.device), load_styles(looks)
    checked, places = _checked(request, own, model, styles, out)
    for line in checked.said if own is None else ():
        print(line, file=sys.stderr, flush=True)
    origins = [_origin(request, checked, place, domain) for place in range(len(places))]
    for place, origin in zip(places, origins, strict=True):
        tell_replaced(place, origin)
    tell_others(out, f"*{RECORD}", places)
    if own is not None and not _as_they_were(own):
        tell_replaced(own.place, own.origin)
        with delivered(own.place, own.origin) as folder:
            _save(own.maps, folder)
    made = []
    for number, (place, origin) in enumerate(zip(places, origins, strict=True)):
        with delivered(place, origin) as folder:
            names = answer(model, styles, request, checked, number, folder)
        made += [out / name for name in names]
    return made


def _checked(
    request: Request, own: Own | None, model: Pix2pixHD, styles: Styles, out: Path
) -> tuple[Checked, list[Place]]:
    """A request that has been read, and where its results go; all that is wrong is told."""
    problems: Problems = []
    places = [] if own is None or _as_they_were(own) else [own.place]
    checked = None
    try:
        if own is None:
            checked = check(request, model.classes, styles)
        else:
            with TemporaryDirectory() as folder:
                _save(own.maps, Path(folder))
                checked = check(_within(request, own, Path(folder)), model.classes, styles)
    except RequestError as error:
        problems.append(str(error))
    results = [] if checked is None else _places(checked, request, out)
    given = (request.labels, request.instances, request.photograph)
    inputs = [path for path in given if path is not None]
    if checked is not None:
        inputs += [file for path in inputs if path.is_dir() for file in map_files(path)]
    check_places(out, [*places, *results], inputs, problems)
    if own is not None:
        _advise(own, problems)
    if checked is not None:
        pixels = sum(each.labels.size for each in checked.layouts)
        check_room(out, pixels * request.count * BYTES, problems)
    if problems or checked is None:
        raise RequestError("\n".join(dict.fromkeys(problems)))
    return checked, results


def _places(checked: Checked, request: Request, out: Path) -> list[Place]:
    """The results of each layout."""
    return [
        Place(out, f"{each.name}{RECORD}", answer_files(checked, request, number), "edit")
        for number, each in enumerate(checked.layouts)
    ]


def _origin(request: Request, checked: Checked, number: int, domain: str) -> str:
    """A hash of what a layout's results are made from."""
    layout, photograph = checked.layouts[number], checked.photograph
    wishes = [request.relabel, request.styles, request.choices, request.count, request.seed]
    return content_hash(
        layout.labels.tobytes(), layout.instances.tobytes(), list(layout.labels.shape),
        b"" if photograph is None else photograph.tobytes(), [domain, layout.mapped, *wishes],
    )  # fmt: skip


def _advise(own: Own, problems: Problems) -> None:
    """Says how what was painted on the maps can be used."""
    maps = own.request.labels, own.request.instances
    changed = foreign(own.place, recorded(own.place))
    if painted := [path for path in maps if path and path.name in changed]:
        given = f" --instances {maps[1]}" if maps[1] else ""
        problems.append(
            f"{painted[0]}: was changed; for images of it name the file in place of the id: "
            f"exemplar edit {maps[0]}{given}"
        )


def _as_numbered(request: Request, params: dict[str, Any], domain: str) -> Request:
    """A request whose label maps have the numbers and colours that the domain's own files have."""
    known = known_in(params, domain, classes_of(domain), REMEDY)
    places = tuple(range(len(known.numbers)))
    return replace(request, known=known, numbers=() if known.numbers == places else known.numbers)


def _from_domain(request: Request, domain: str, folder: Path) -> Own:
    """A request for one of the domain's own images, by its id."""
    identity = str(request.labels)
    items = read_items(layout.items(domain))
    ids, place = items["id"].astype(str).tolist(), row_of_id(items, identity)
    if place is None:
        shown = ", ".join([*ids[:2], "…", *ids[-2:]]) if len(ids) > 4 else ", ".join(ids)
        raise EditDomainError(
            f"{identity}: no such file, and {domain} has no image of this id; its ids are {shown}"
            f"{near(identity, ids, 3)}"
        )
    identity, row = ids[place], [place]
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
    given = request.instances
    if given is None and f"{identity}-instances.png" in maps:
        given = folder / f"{identity}-instances.png"
    place = Place(folder, f"{identity}.json", frozenset(maps), "edit")
    values = (image.tobytes() for image in maps.values())
    origin = content_hash([identity, list(maps)], *values)
    own = replace(request, labels=folder / f"{identity}.png", instances=given)
    return Own(place, maps, own, origin)


def _save(maps: dict[str, Image.Image], folder: Path) -> None:
    for name, image in maps.items():
        image.save(folder / name, format="PNG")


def _within(request: Request, own: Own, folder: Path) -> Request:
    """A request for the same maps in another folder, unless the user named others."""
    instances = request.instances
    if instances is None and own.request.instances is not None:
        instances = folder / own.request.instances.name
    return replace(request, labels=folder / own.request.labels.name, instances=instances)


def _as_they_were(own: Own) -> bool:
    """Whether the maps are there and nobody has painted on them."""
    return finished(own.place) == own.origin and not foreign(own.place, recorded(own.place))


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
