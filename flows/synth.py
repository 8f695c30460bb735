"""`exemplar synth`: candidates, sources and attribution for a user's own inputs, as files."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Literal, Protocol

import numpy as np
import pandas as pd
from PIL import Image

from exemplar.data.fit import DEFAULT, Fit
from exemplar.data.problems import Problems, RequestError
from exemplar.methods.pixelnn.inputs import Made, synthesise_files
from exemplar.methods.pixelnn.library import Library
from exemplar.methods.pixelnn.whole.files import Request, requested
from exemplar.report.attribution import added, mean_added, shares
from exemplar.report.pictures import condition_picture, contact_sheet, correspondence_picture
from exemplar.store.arrays import read_rows
from exemplar.store.files import content_hash
from flows import synth_whole
from flows.delivery import delivered, tell_others, tell_replaced
from flows.places import check_places, check_room, name_of
from flows.records import Place

COLUMNS = 8  # of the contact sheet
MOST = 72  # candidates of an input
BYTES = 12  # that a candidate's pixel takes, in all files together

Method = Literal["whole", "coherent", "pixelnn"]

RECORD, CANDIDATES = "synth.json", "candidates"
FILES = frozenset([
    "input.png", "regressed.png", "contact-sheet.png", "sources.npz", "attribution.csv",
    "correspondence.png",
])  # fmt: skip
"""What is written of each input, beside its candidates."""


def synth(
    inputs: list[Path],
    domain: str,
    condition: str,
    out: Path,
    only: list[str],
    exclude: list[str],
    photographs: bool = False,
    like: Path | None = None,
    alike_count: int | None = None,
    count: int | None = None,
    method: Method = "whole",
    size: int | None = None,
    fit: Fit = DEFAULT,
) -> list[Path]:
    """Writes a folder for each input.

    Args:
        inputs: image files.
        domain: whose exemplars are used.
        condition: what the inputs are.
        out: the folder to write to; in it, results of earlier runs for an input of the same name
            are replaced, other files never.
        only: globs on ids and categories of the exemplars to use.
        exclude: globs on those not to use.
        photographs: the inputs are photographs to extract the condition from.
        like: a photograph; the exemplars that look most like it are used.
        alike_count: how many these are.
        count: how many candidates, good and distinct ones; all by default.
        method: `whole`, pictures at the photographs' own size; `coherent`, at that of the
            networks' images; or `pixelnn`, the published ones, which are not ranked.
        size: of whole pictures, the pixels of the longer side; by default as large as most
            photographs are.
        fit: how inputs of another shape than the exemplars' get theirs.

    Returns:
        The folders written, one an input, named after its file.

    Raises:
        RequestError: an input cannot be used, results cannot be written to `out`, or files would be
            lost; every problem, and nothing was written.
        KeyboardInterrupt: it was broken off; what was made of an input until then is written.
    """
    problems: Problems = []
    places = _places(inputs, out, problems)
    liked = [] if like is None else [like]
    check_places(out, places, [*inputs, *liked], problems)
    chosen = inputs, domain, condition, only, exclude, photographs, like, alike_count, count
    try:
        work = (
            _Whole(requested(*chosen, size, fit), count)
            if method == "whole"
            else _Small(condition, synthesise_files(*chosen, method == "pixelnn", fit, _say))
        )
    except ValueError as error:
        if problems:
            raise RequestError("\n".join([*problems, str(error)])) from error
        raise
    check_room(out, len(inputs) * (count or MOST) * work.pixels * BYTES, problems)
    if problems:
        raise RequestError("\n".join(problems))
    asked = [domain, condition, only, exclude, photographs, alike_count, count, method, size, fit]
    origins = [content_hash(path, [str(path)], *liked, asked) for path in inputs]
    for place, origin in zip(places, origins, strict=True):
        tell_replaced(place, origin)
    tell_others(out, f"*/{RECORD}", places)
    work.tell()
    done = []
    for number, (place, origin) in enumerate(zip(places, origins, strict=True)):
        whole = work.make(number)
        with delivered(place, origin if whole else None) as folder:
            work.write(folder)
        done.append(place.folder)
        if not whole:
            _say(f"stopped; {place.folder} has what was made")
            raise KeyboardInterrupt
    return done


class _Work(Protocol):
    """What is made of all inputs, by one method."""

    pixels: int
    """Of a candidate."""

    def tell(self) -> None:
        """Says what the work will cost."""
        ...

    def make(self, place: int) -> bool:
        """Makes what one input gets, in their order; false if it was broken off."""
        ...

    def write(self, folder: Path) -> None:
        """Writes what was made last."""
        ...


class _Small:
    """Candidates of the size of networks' images."""

    def __init__(self, condition: str, asked: tuple[Library, Iterator[Made]]) -> None:
        self._condition, (self._library, self._made) = condition, asked
        self.pixels = self._library.image.shape[1] * self._library.image.shape[2]

    def tell(self) -> None:
        """They take seconds."""

    def make(self, place: int) -> bool:
        """One input's."""
        self._one = next(self._made)
        return True

    def write(self, folder: Path) -> None:
        """One input's."""
        _write(folder, self._one, self._library, self._condition)


class _Whole:
    """Whole pictures."""

    def __init__(self, request: Request, count: int | None) -> None:
        self._request, self._count = request, count
        height, width = request.opened.photographs.size
        self.pixels = height * width

    def tell(self) -> None:
        """How many, how large, how long."""
        if note := synth_whole.enlarged(self._request):
            _say(note)
        _say(synth_whole.cost(self._request))

    def make(self, place: int) -> bool:
        """One input's, or as many as there are when it is broken off."""
        self._given = self._request.read(place)
        for note in self._given.notes:
            _say(note)
        self._found, whole = synth_whole.made(self._request, self._given)
        return whole

    def write(self, folder: Path) -> None:
        """One input's."""
        synth_whole.write(folder, self._request, self._given, self._found, self._count)


def _places(inputs: list[Path], out: Path, problems: Problems) -> list[Place]:
    """A folder for each input."""
    stems = Counter(name for path in inputs if (name := name_of(path, problems)))
    if repeated := [name for name, times in stems.items() if times > 1]:
        problems.append(
            f"inputs are told apart by their names, but {', '.join(repeated)} came more than "
            "once; rename them or use two runs"
        )
    return [Place(out / stem, RECORD, FILES, "synth", (f"{CANDIDATES}/*.png",)) for stem in stems]


def _write(folder: Path, made: Made, library: Library, condition: str) -> None:
    """Candidates, contact sheet, sources, attribution and correspondence picture of one input."""
    image, source = made.composed
    pictured = condition_picture(condition, made.condition, image.shape[1])
    digits = len(str(len(image)))
    names = [f"{n:0{digits}d}-{member}" for n, member in enumerate(made.members, start=1)]
    _save(folder / "input.png", pictured)
    _save(folder / "regressed.png", made.regressed)
    (folder / CANDIDATES).mkdir()
    for name, picture in zip(names, image, strict=True):
        _save(folder / CANDIDATES / f"{name}.png", picture)
    captions = ["input", "regressed", *_captions(made)]
    sheet = contact_sheet([pictured, made.regressed, *image], captions, COLUMNS)
    _save(folder / "contact-sheet.png", sheet)
    plus = added(image, source, library.image)
    np.savez_compressed(
        folder / "sources.npz",
        source=source,
        added=plus,
        candidates=np.array([tuple(member) for member in made.members]),
        votes=np.array(made.votes),
        score=made.score,
        ids=library.items["id"].to_numpy(dtype=str),
        notes=np.array(made.notes, dtype=str),
    )
    attribution = pd.concat(
        shares(each, library.items, made.votes).assign(
            candidate=name, score=score, added=mean_added(each, more)
        )
        for name, score, each, more in zip(names, made.score, source, plus, strict=True)
    )
    attribution = attribution.rename(columns={"id": "exemplar", "source": "path"})
    attribution[["candidate", "score", "exemplar", "path", "licence", "share", "added"]].to_csv(
        folder / "attribution.csv", index=False, float_format="%.6f"
    )
    _save(folder / "correspondence.png", _correspondences(made, library))


def _captions(made: Made) -> list[str]:
    """Each candidate's rank, by which its files are named, and its score; without one, its name."""
    return [
        str(member) if np.isnan(score) else f"{rank} ({score:+.1f})"
        for rank, (member, score) in enumerate(zip(made.members, made.score, strict=True), start=1)
    ]


def _correspondences(made: Made, library: Library) -> np.ndarray:
    """Figure 5 for the first three, each of another leader, that draw on several exemplars.

    Where none does, others are shown. Of voted candidates it shows each pixel's own match.
    """
    image, source = made.composed
    several = [index for index, member in enumerate(made.members) if member.neighbours > 1]
    leaders: dict[int, int] = {}
    for index in several or range(len(image)):
        leaders.setdefault(made.members[index].first, index)
    chosen, pictures = list(leaders.values())[:3], []
    for index in chosen:
        used = shares(source[index], library.items).index
        rows = [row for row in used if row >= 0][:8]
        exemplars = read_rows(library.image, rows)
        pictures.append(correspondence_picture(image[index], source[index], exemplars, rows))
    return contact_sheet(pictures, [str(made.members[index]) for index in chosen], len(pictures))


def _say(note: str) -> None:
    print(f"note: {note}", file=sys.stderr, flush=True)


def _save(path: Path, image: np.ndarray) -> None:
    Image.fromarray(image).save(path)
