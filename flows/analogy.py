"""`exemplar analogy`: pairs of images matched, and each one's look transferred, as files."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from PIL import Image, ImageOps
from pydantic import ValidationError

from exemplar.methods.deep_analogy.analogy import make_analogy
from exemplar.methods.deep_analogy.inputs import Problems
from exemplar.methods.deep_analogy.inverse import STORED
from exemplar.methods.deep_analogy.requests import (
    Networks,
    Request,
    load_networks,
    raise_all,
    read_batch,
    read_pair,
    series,
)
from exemplar.methods.deep_analogy.settings import AnalogySettings
from exemplar.report.analogy_results import FILES, REFINED_A_PRIME, SUMMARY, write_results
from exemplar.settings import load_params, section
from exemplar.store.files import content_hash, remove, replace, sources_hash, written

CODE = ("exemplar/methods/deep_analogy", "exemplar/matching", "exemplar/features",
        "exemplar/report", "exemplar/data/pixels.py")  # fmt: skip
"""What results depend on beside files and settings."""

OPTIONS = {"working_side": "--side"}
"""Options that are called otherwise than the settings they change."""

FRAMES, ANIMATION = "frames", "time-lapse.png"
DURATION = 600  # milliseconds that each frame of a time lapse is shown


def analogy(
    request: Request, out: Path, changes: Mapping[str, Any], batch: Path | None = None
) -> list[Path]:
    """Writes a folder for each pair.

    What is there already, made from the same files with the same settings, is not made again.

    Args:
        request: a pair; with the mode `time-lapse`, an image and a folder; with a table, what
            holds for all its pairs.
        out: the folder to write to; files of the same names are replaced. A pair's own files are
            directly in it, those of several in a folder for each.
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
    for pair in requests:
        read_pair(pair, problems)
    networks = None if settings is None else load_networks(settings, problems)
    _check_folder(out, problems)
    raise_all(problems)
    assert settings is not None
    assert networks is not None
    torch.set_num_threads(settings.threads)
    made = []
    for number, pair in enumerate(requests, start=1):
        folder = out / pair.name
        said = _make(pair, folder, with_strength(settings, pair), networks)
        if len(requests) > 1:
            print(f"{number}/{len(requests)} {pair.name}: {said}", file=sys.stderr, flush=True)
        made.append(folder)
    if request.mode == "time-lapse" and batch is None:
        return [*_animate(out, [pair.name for pair in requests]), *made]
    return made


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


def _make(pair: Request, folder: Path, settings: AnalogySettings, networks: Networks) -> str:
    """Makes one pair, if it is not there; says what was done."""
    origin = content_hash(
        *pair.files,
        settings.model_dump(mode="json"),
        {"mode": pair.mode, "labels": pair.labels is not None, "network": networks.pyramid.name},
        *([STORED] if networks.inverse is not None else []),
        sources_hash(*CODE),
    )
    if _origin(folder) == origin:
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
    facts = {"network": network, "seconds": seconds, "made_from": origin}
    with _delivered(folder) as partial:
        write_results(partial, given, found, settings, facts)
    for warning in json.loads((folder / SUMMARY).read_text())["warnings"]:
        print(f"note: {warning}", file=sys.stderr, flush=True)
    return f"{time.perf_counter() - begun:.1f} s"


def _origin(folder: Path) -> str | None:
    """What a folder's files were made from, if all are there."""
    try:
        return json.loads((folder / SUMMARY).read_text()).get("made_from")
    except (OSError, ValueError, AttributeError):
        return None


@contextmanager
def _delivered(folder: Path) -> Iterator[Path]:
    """Gives an empty folder, whose files are moved to `folder` if the block ends well.

    Other files there are left alone, for users may name a folder that they use for more; those of
    an earlier run are replaced or removed. The summary goes first and comes last, so that a folder
    that has one is whole.
    """
    partial = folder / ".partial"
    remove(partial)
    partial.mkdir(parents=True)
    try:
        yield partial
        (folder / SUMMARY).unlink(missing_ok=True)
        for name in FILES:
            if (partial / name).exists():
                replace(partial / name, folder / name)
            else:
                (folder / name).unlink(missing_ok=True)
    finally:
        remove(partial)


def _animate(out: Path, names: list[str]) -> list[Path]:
    """Frames of a time lapse, and all of them as one animated PNG."""
    images = [Image.open(out / name / REFINED_A_PRIME).convert("RGB") for name in names]
    with written(out / FRAMES) as partial:
        partial.mkdir()
        for name, image in zip(names, images, strict=True):
            image.save(partial / f"{name}.png", format="PNG")
    # An animation has one size: that of its first frame.
    size = images[0].size
    first, *others = (
        each if each.size == size else ImageOps.pad(each, size, color="white") for each in images
    )
    with written(out / ANIMATION) as partial:
        first.save(
            partial, format="PNG", save_all=True, append_images=others, duration=DURATION, loop=0
        )
    return [out / ANIMATION, out / FRAMES]


def _check_folder(out: Path, problems: Problems) -> None:
    """Notes that files cannot be written to a folder because it, or one above, is none."""
    for path in (out, *out.parents):
        if path.is_symlink() or path.exists():
            if not path.is_dir():
                problems.append(f"--out {out}: expected a folder, but {path} is none; name another")
            return
