"""Whole pictures of a user's own inputs: from files to candidates, with chosen exemplars only."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from exemplar import conditions
from exemplar.conditions.given import PHOTOGRAPHS, read_condition
from exemplar.data.fit import DEFAULT, Fit
from exemplar.data.problems import Problems, RequestError, raise_all
from exemplar.features.look import looks
from exemplar.labels.domains import known_in
from exemplar.labels.encoding import IGNORE
from exemplar.labels.values import per_cent
from exemplar.methods.pixelnn.choice import allowed_rows, most_alike, require_some
from exemplar.methods.pixelnn.inputs import read_all
from exemplar.methods.pixelnn.whole.candidates import Asked, Whole, of_input
from exemplar.methods.pixelnn.whole.opening import Opened, open_whole
from exemplar.methods.pixelnn.whole.photographs import Photographs
from exemplar.methods.pixelnn.whole.settings import WholeSettings
from exemplar.settings import load_params, section
from exemplar.store import layout
from exemplar.store.arrays import name_list, open_group

SIZES = (32, 4096)
"""The least and the largest longer side of pictures that may be asked for, in pixels."""
SECONDS = 8e-6
"""Of one core for a pixel and an exemplar of a candidate, about; told before the work."""


@dataclass(frozen=True)
class Input:
    """One input, read.

    Attributes:
        path: its file.
        condition: as large as the pictures where it can be so.
        given: for the finder of exemplars.
        asked: what pictures of it are to show.
        notes: how it was read, in lines that begin with its file.
    """

    path: Path
    condition: NDArray[Any]
    given: Any
    asked: Asked
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Request:
    """Inputs, and what is to be made of them; nothing is made yet.

    Attributes:
        domain: whose exemplars are used.
        condition: what the inputs are, or were turned into.
        opened: the domain, of the chosen exemplars alone.
        settings: of the candidates.
        paths: the inputs' files.
        read: reads and describes one of them.
        look: (L,) what followers are to look like, if that was asked.
    """

    domain: str
    condition: str
    opened: Opened
    settings: WholeSettings
    paths: list[Path]
    read: Callable[[int], Input]
    look: NDArray[np.floating] | None

    @property
    def candidates(self) -> int:
        """How many each input gets."""
        return len(self.settings.members(self.opened.count))

    @property
    def seconds(self) -> float:
        """About how long one core works at an input."""
        pixels = self.opened.photographs.size[0] * self.opened.photographs.size[1]
        used = sum(m.exemplars for m in self.settings.members(self.opened.count))
        return SECONDS * pixels * used

    def made(self, given: Input) -> Iterator[Whole]:
        """An input's candidates, as they are made."""
        return of_input(self.opened.finder, given.given, self.settings, self.look)


def requested(
    paths: list[Path],
    domain: str,
    condition: str,
    only: list[str],
    exclude: list[str],
    photographs: bool = False,
    like: Path | None = None,
    alike_count: int | None = None,
    count: int | None = None,
    size: int | None = None,
    fit: Fit = DEFAULT,
) -> Request:
    """Reads a user's inputs and chooses exemplars.

    Args:
        paths: the inputs; each is the condition itself, or a photograph.
        domain: whose exemplars are used.
        condition: what the inputs are, or are turned into.
        only: globs on ids and categories of the exemplars to use.
        exclude: globs on those not to use.
        photographs: the inputs are photographs; the condition is extracted from them.
        like: a photograph; of the exemplars that are allowed, those that look most like it are
            used, and followers are to look like it too.
        alike_count: how many these are; by default five times the leaders, at most all.
        count: only so many candidates, good and distinct ones; by default all.
        size: pixels of the longer side of pictures; by default as large as most photographs are.
        fit: how inputs of another shape than the exemplars' get theirs.

    Raises:
        RequestError: inputs cannot be read, no exemplar is allowed, or more candidates or another
            size are asked for than there can be; all problems are named.
        StoreError: stores are missing or do not fit one another.
    """
    params = load_params()
    settings = section(params, "whole", WholeSettings)
    conditions.of(condition)
    section(params, f"domains.{domain}", dict)
    torch.set_num_threads(1)  # `of_input` keeps as many threads busy
    problems: Problems = []
    wrong: Problems = []
    wanted: list[NDArray[np.floating]] = []
    if size is not None and not SIZES[0] <= size <= SIZES[1]:
        wrong.append(f"--size {size}: expected {SIZES[0]} to {SIZES[1]} pixels")
        size = None

    def allowed(known: Photographs, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        rows = allowed_rows(known.items, rows, only, exclude)
        require_some(len(rows), bool(only or exclude))
        if not wanted:
            return rows
        return most_alike(looks_of(known, rows), rows, wanted[0], alike_count, settings.leaders)

    photos = Photographs(domain, params, settings, size)
    classes = list(photos.classes)
    if not classes:
        classes = list(name_list(open_group(layout.conditions(domain)), "classes"))
    small, liked, opened = [], None, None
    with _noted(wrong):
        small, liked = read_all(
            paths, domain, condition, photos.stored_size, classes, photographs, like, fit
        )
    if liked is not None:
        wanted.append(looks(liked.values[None])[0])
    with _noted(wrong):
        opened = open_whole(domain, condition, params, settings, size, allowed)
        settings = opened.settings
        members = len(settings.members(opened.count))
        if count is not None and not 1 <= count <= members:
            wrong.append(f"--count {count}: expected 1 to {members}, all candidates there are")
    raise_all(wrong)
    assert opened is not None
    known = known_in(params, domain, classes, PHOTOGRAPHS)
    large = opened.finder.guides_size

    def read(place: int) -> Input:
        path, (values, notes) = paths[place], small[place]
        full = values
        if not photographs and condition != "lowres":
            again = read_condition(condition, path, large, known, fit, problems)
            full = values if again is None else again.values
        given = opened.given(values, full)
        more = () if liked is None else liked.notes
        if photos.classes and condition == "labels" and (missing := (full == IGNORE).mean()):
            share = per_cent(missing)
            more = (f"{path}: pixels without a class, {share} of all, get the nearest one", *more)
        return Input(path, full, given, opened.finder.asked(given), (*notes, *more))

    return Request(domain, condition, opened, settings, paths, read, wanted[0] if wanted else None)


@contextmanager
def _noted(problems: Problems) -> Iterator[None]:
    """Notes what cannot be done, and goes on, so that all is told together."""
    try:
        yield
    except RequestError as error:
        problems.append(str(error))


def looks_of(photographs: Photographs, rows: NDArray[np.int64]) -> NDArray[np.float32]:
    """(n, L) looks of a domain's photographs, as networks see them."""
    parts = [rows[start : start + 64] for start in range(0, len(rows), 64)]
    return np.concatenate([looks(photographs.stored(part)) for part in parts])
