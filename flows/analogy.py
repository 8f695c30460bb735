"""`exemplar analogy`: pairs of images matched, and each one's look transferred, as files."""

from __future__ import annotations

import json
import shutil
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from PIL import Image, ImageOps
from pydantic import ValidationError

from exemplar.data.problems import Problems, raise_all
from exemplar.methods.deep_analogy.analogy import make_analogy
from exemplar.methods.deep_analogy.inverse import STORED
from exemplar.methods.deep_analogy.networks import Networks, load_networks
from exemplar.methods.deep_analogy.refinement import MEMORY
from exemplar.methods.deep_analogy.requests import (
    ANIMATION,
    FRAMES,
    LAPSE,
    REFINED,
    Given,
    Request,
    read_batch,
    read_pair,
    series,
)
from exemplar.methods.deep_analogy.settings import AnalogySettings
from exemplar.report.analogy_results import (
    CODE,
    REFINED_A_PRIME,
    SUMMARY,
    names_of,
    write_results,
)
from exemplar.settings import load_params, section
from exemplar.store.files import content_hash, sources_hash
from flows.delivery import delivered, finished, tell_others, tell_replaced
from flows.places import check_places
from flows.records import Place

OWN_CODE = ("flows/analogy.py", "flows/delivery.py", "flows/places.py", "flows/records.py")
"""What results depend on beside files, settings and `CODE`."""

OPTIONS = {"working_side": "--side"}
"""Options that are called otherwise than the settings they change."""

DURATION = 600  # milliseconds that each frame of a time lapse is shown
SHOWN_SIDE = 640  # pixels of its longer side at most, since all frames are held to be written
LARGE = 25_000_000  # pixels from which refining needs so much memory that it is said before


def analogy(
    request: Request, out: Path, changes: Mapping[str, Any], batch: Path | None = None
) -> list[Path]:
    """Writes a folder for each pair.

    What is there already, made from the same files with the same settings, is not made again.

    Args:
        request: a pair; with the mode `time-lapse`, an image and a folder; with a table, what
            holds for all its pairs.
        out: the folder to write to; results of earlier runs are replaced, other files never. A
            pair's own files are directly in it, those of several in a folder for each.
        changes: settings other than those of the section `analogy` of `params.yaml`.
        batch: a table of pairs.

    Returns:
        The folders; of a time lapse first the animation, and the folder of its frames.

    Raises:
        RequestError: files, settings or networks cannot be used; everything that is wrong, and
            nothing was written.
    """
    problems: Problems = []
    settings = _settings(changes, problems)
    requests = _requests(request, batch, problems)
    lapse = request.mode == "time-lapse" and batch is None
    large: dict[str, None] = {}
    for pair in requests:
        large |= dict.fromkeys(_large(read_pair(pair, problems)))
    by_option = "backbone" in changes
    networks = None if settings is None else load_networks(settings, problems, by_option)
    places = _places(out, requests, lapse)
    check_places(out, places, _inputs(request, requests, batch, lapse), problems)
    raise_all(problems)
    assert settings is not None
    assert networks is not None
    for note in large:
        print(f"note: {note}", file=sys.stderr, flush=True)
    torch.set_num_threads(settings.threads)
    chosen = [with_strength(settings, pair) for pair in requests]
    origins = [_origin(pair, of, networks) for pair, of in zip(requests, chosen, strict=True)]
    names = [pair.name for pair in requests]
    whole = [content_hash(names, origins)] if lapse else []
    for place, origin in zip(places, [*origins, *whole], strict=True):
        tell_replaced(place, origin)
    tell_others(out, f"*/{SUMMARY}", places)
    for number, pair in enumerate(requests):
        said = _make(pair, places[number], chosen[number], networks, origins[number])
        if len(requests) > 1:
            print(f"{number + 1}/{len(requests)} {pair.name}: {said}", file=sys.stderr, flush=True)
    made = [out / name for name in names]
    return [*_animate(places[-1], names, whole[0]), *made] if lapse else made


def with_strength(settings: AnalogySettings, pair: Request) -> AnalogySettings:
    """The settings with the pair's own strength."""
    return settings.model_copy(update={"strength": pair.strength} if pair.strength else {})


def _settings(changes: Mapping[str, Any], problems: Problems) -> AnalogySettings | None:
    """The section `analogy`, changed."""
    try:
        params = load_params()
        section(params, "analogy", AnalogySettings)
    except ValueError as error:
        problems.append(str(error))
        return None
    try:
        return AnalogySettings.model_validate({**params["analogy"], **changes})
    except ValidationError as error:
        for item in error.errors():
            name = str(item["loc"][0])
            option = OPTIONS.get(name, f"--{name}")
            problems.append(f"{option}: {item['msg']}, got {item['input']!r}")
        return None


def _requests(request: Request, batch: Path | None, problems: Problems) -> list[Request]:
    if batch is not None:
        return read_batch(batch, request, problems)
    if request.mode == "time-lapse":
        return series(request, problems)
    return [request]


def _inputs(
    request: Request, requests: Sequence[Request], batch: Path | None, lapse: bool
) -> list[Path]:
    """All files and folders that results are made from."""
    files = list(dict.fromkeys(file for pair in requests for file in pair.files))
    folders = [path for path in (request.a, request.b) if lapse and path.is_dir()]
    return [*files, *folders, *([batch] if batch else [])]


def _places(out: Path, requests: Sequence[Request], lapse: bool) -> list[Place]:
    """All that will be written."""
    places = []
    for pair in requests:
        names = names_of(pair.mode, pair.labels is not None, pair.keypoints is not None)
        places.append(Place(out / pair.name, SUMMARY, names, "analogy"))
    if lapse:
        frames = [_frame_name(pair.name) for pair in requests]
        places.append(Place(out, LAPSE, frozenset([ANIMATION, *frames]), "analogy"))
    return places


def _large(given: Given | None) -> list[str]:
    """What is said of images before much memory is taken."""
    if given is None or given.mode not in REFINED:
        return []
    return [
        f"{picture.source} has {picture.image.shape[1]}×{picture.image.shape[0]} pixels; refining "
        f"results of that size takes about {picture.image[..., 0].size * MEMORY / 1e9:.0f} GB of "
        "memory"
        for picture in (given.a, given.b_prime)
        if picture.image[..., 0].size > LARGE
    ]


def _origin(pair: Request, settings: AnalogySettings, networks: Networks) -> str:
    """A hash of all that a pair's results depend on."""
    return content_hash(
        *pair.files,
        [str(path) for path in pair.files],  # which results name
        settings.model_dump(mode="json"),
        {"mode": pair.mode, "labels": pair.labels is not None, "network": networks.pyramid.name},
        *([STORED] if networks.inverse is not None else []),
        sources_hash(*CODE, *OWN_CODE),
    )


def _make(
    pair: Request, place: Place, settings: AnalogySettings, networks: Networks, origin: str
) -> str:
    """Makes one pair, if it is not there; says what was done."""
    if finished(place) == origin:
        return "there already"
    problems: Problems = []
    given = read_pair(pair, problems)
    raise_all(problems)  # a file has gone since it was checked
    assert given is not None
    begun = time.perf_counter()
    found = make_analogy(
        given.a.image, given.b_prime.image, networks.pyramid, settings, networks.inverse
    )
    seconds = {name: round(value, 3) for name, value in found.seconds.items()}
    network = {"name": networks.pyramid.name, "layers": networks.pyramid.layers}
    with delivered(place, origin) as partial:
        write_results(partial, given, found, settings, {"network": network, "seconds": seconds})
    for warning in json.loads((place.folder / SUMMARY).read_text())["warnings"]:
        print(f"note: {warning}", file=sys.stderr, flush=True)
    return f"{time.perf_counter() - begun:.1f} s"


def _animate(place: Place, names: list[str], origin: str) -> list[Path]:
    """Frames of a time lapse, and all of them as one animated PNG."""
    out = place.folder
    if finished(place) != origin:
        with delivered(place, origin) as partial:
            (partial / FRAMES).mkdir()
            paths = [partial / _frame_name(name) for name in names]
            for name, path in zip(names, paths, strict=True):
                shutil.copyfile(out / name / REFINED_A_PRIME, path)
            _write_animation(partial / ANIMATION, paths)
    return [out / ANIMATION, out / FRAMES]


def _write_animation(path: Path, frames: Sequence[Path]) -> None:
    """An animation, of the size of its first frame: larger ones are made smaller, others padded."""
    with Image.open(frames[0]) as image:
        width, height = image.size
    factor = min(1, SHOWN_SIDE / max(width, height))
    size = (max(1, round(factor * width)), max(1, round(factor * height)))
    first = _shown(frames[0], size)
    others = _Shown(frames[1:], size)
    first.save(path, format="PNG", save_all=True, append_images=others, duration=DURATION, loop=0)


class _Shown:
    """Frames of an animation, read when they are asked for, as often as that is."""

    def __init__(self, paths: Sequence[Path], size: tuple[int, int]) -> None:
        self._paths, self._size = paths, size

    def __iter__(self) -> Iterator[Image.Image]:
        return (_shown(path, self._size) for path in self._paths)


def _shown(path: Path, size: tuple[int, int]) -> Image.Image:
    with Image.open(path) as image:
        return ImageOps.pad(image.convert("RGB"), size, color="white")


def _frame_name(pair: str) -> str:
    return f"{FRAMES}/{pair}.png"
