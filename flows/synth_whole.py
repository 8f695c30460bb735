"""Whole pictures of a user's inputs, as files: `exemplar synth` by its default method."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from exemplar.methods.pixelnn.whole.candidates import Whole
from exemplar.methods.pixelnn.whole.files import Input, Request
from exemplar.methods.pixelnn.whole.ranking import ranked
from exemplar.methods.pixelnn.whole.records import save
from exemplar.patches.levels import Size, fitted
from exemplar.patches.voting import shares, to_matches
from exemplar.report.pictures import condition_picture, contact_sheet, correspondence_picture

SHEET_SIDE = 256
"""Pixels of the longer side of pictures on the contact sheet, at most."""
COLUMNS = 6  # of the contact sheet


def made(request: Request, given: Input) -> tuple[list[Whole], bool]:
    """An input's candidates, with progress on the terminal.

    Returns:
        The candidates, and whether all were made; at Ctrl-C those until then, if there are any.
    """
    found: list[Whole] = []
    started = time.monotonic()
    try:
        for one in request.made(given):
            found.append(one)
            _progress(given.path, len(found), request.candidates, time.monotonic() - started)
    except KeyboardInterrupt:
        if not found:
            raise
    found.sort(key=lambda one: one.member[1:] + one.member[:1])
    return found, len(found) == request.candidates


def enlarged(request: Request) -> str | None:
    """That photographs are enlarged for pictures of the size, if they are."""
    most, side = request.opened.photographs.most, max(request.opened.photographs.size)
    if most is None or side <= max(most, *request.opened.photographs.stored_size):
        return None
    return (
        f"--size {side}: most photographs of {request.domain} have {most} pixels at their longer "
        "side, and are enlarged"
    )


def cost(request: Request) -> str:
    """What the work will cost, in a line."""
    inputs, each = len(request.paths), request.candidates
    height, width = request.opened.photographs.size
    seconds = request.seconds * inputs / request.settings.threads
    return (
        f"{each} candidate{'s' if each > 1 else ''} of {width}×{height} for each of {inputs} "
        f"input{'s' if inputs > 1 else ''}: about {_told(seconds)}"
    )


def write(
    folder: Path, request: Request, given: Input, found: Sequence[Whole], count: int | None
) -> None:
    """Candidates, contact sheet, sources, attribution and correspondence picture of one input."""
    few = min(count or request.settings.few, len(found))
    ranking = ranked(found, given.asked, few, request.settings.good)
    order = ranking.few if count else np.argsort(ranking.score, kind="stable")
    chosen = [found[place] for place in order.tolist()]
    score = ranking.score[order]
    size = request.opened.photographs.size
    pictured = condition_picture(request.condition, given.condition, size[0])
    digits = len(str(len(chosen)))
    names = [f"{n:0{digits}d}-{each.member}" for n, each in enumerate(chosen, start=1)]
    _save(folder / "input.png", pictured)
    (folder / "candidates").mkdir()
    for name, each in zip(names, chosen, strict=True):
        _save(folder / "candidates" / f"{name}.png", each.image)
    captions = ["input", *(f"{n} ({s:+.1f})" for n, s in enumerate(score, start=1))]
    tiles = [_small(image) for image in (pictured, *(each.image for each in chosen))]
    _save(folder / "contact-sheet.png", contact_sheet(tiles, captions, COLUMNS))
    items = request.opened.photographs.items
    ids = items["id"].to_numpy(dtype=str)
    save(folder / "sources.npz", request.domain, chosen, score, ids, given.notes)
    attribution = pd.concat(
        _attribution(each, items).assign(candidate=name, score=value)
        for name, value, each in zip(names, score, chosen, strict=True)
    )
    attribution[
        ["candidate", "score", "exemplar", "path", "licence", "share", "mirrored", "changed"]
    ].to_csv(folder / "attribution.csv", index=False, float_format="%.6f")
    _save(folder / "correspondence.png", _correspondences(chosen))


def _attribution(whole: Whole, items: pd.DataFrame) -> pd.DataFrame:
    """A row for each exemplar of a candidate, the largest share first.

    `changed` is the mean absolute difference that recolouring made to the photograph, in levels.
    """
    given = shares(whole.source, whole.exemplars, whole.votes)
    side = max(whole.image.shape[:2])
    changed = []
    for exemplar in whole.exemplars:
        own = exemplar._replace(colours=None).used(side).astype(np.int16)
        changed.append(float(np.abs(exemplar.used(side) - own).mean()))
    rows = items.iloc[[pick.row for pick in whole.picks]]
    table = pd.DataFrame(
        {
            "exemplar": rows["id"].to_numpy(),
            "path": rows["source"].to_numpy(),
            "licence": rows["licence"].to_numpy(),
            "share": given,
            "mirrored": [pick.mirrored for pick in whole.picks],
            "changed": changed,
        }
    )
    order = np.argsort(-given, kind="stable")
    return table.iloc[order[given[order] > 0]]


def _correspondences(chosen: Sequence[Whole]) -> np.ndarray:
    """Figure 5 for the first three that draw on several exemplars; if none does, for others."""
    shown = ([each for each in chosen if len(each.exemplars) > 1] or list(chosen))[:3]
    pictures = []
    for each in shown:
        side = max(each.image.shape[:2])
        image = _small(each.image)
        used = [_resized(exemplar.used(side), image.shape) for exemplar in each.exemplars]
        numbers = list(range(len(used)))
        source = _reduced(each, (image.shape[0], image.shape[1]))
        pictures.append(correspondence_picture(image, source, np.stack(used), numbers))
    return contact_sheet(pictures, [str(each.member) for each in shown], len(pictures))


def _reduced(whole: Whole, size: Size) -> np.ndarray:
    """(h, w, 3) sources of a smaller picture, in exemplars of its size, as they were used."""
    match = to_matches(whole.source, whole.exemplars)
    rows, columns = (
        (2 * np.arange(n) + 1) * own // (2 * n) for n, own in zip(size, match.shape, strict=False)
    )
    found = match[np.ix_(rows, columns)].astype(np.int64)
    side = max(whole.image.shape[:2])
    used = np.array([exemplar.used_size(side) for exemplar in whole.exemplars])[found[..., 0]]
    found[..., 1:] = found[..., 1:] * size // used
    return found


def _small(image: np.ndarray) -> np.ndarray:
    """A picture for the contact sheet."""
    height, width = fitted((image.shape[0], image.shape[1]), SHEET_SIDE)
    return _resized(image, (height, width))


def _resized(image: np.ndarray, size: tuple[int, ...]) -> np.ndarray:
    if image.shape[:2] == tuple(size[:2]):
        return image
    picture = Image.fromarray(image).resize((size[1], size[0]), Image.Resampling.BOX)
    return np.asarray(picture)


def _progress(path: Path, done: int, count: int, seconds: float) -> None:
    left = _told(seconds * (count - done) / done)
    more = f", about {left} more" if done < count else ""
    print(f"{path}: {done} of {count} candidates{more}", file=sys.stderr, flush=True)


def _told(seconds: float) -> str:
    return f"{max(seconds, 1):.0f} s" if seconds < 100 else f"{seconds / 60:.0f} min"


def _save(path: Path, image: np.ndarray) -> None:
    Image.fromarray(image).save(path)
