"""Which exemplars a user chooses: by id and category, and by the look of a photograph."""

from __future__ import annotations

import numpy as np
import pandas as pd
import zarr

from exemplar.data.problems import RequestError
from exemplar.features.look import looks
from exemplar.settings import near
from exemplar.store.arrays import StoreError, read_rows
from exemplar.store.items import matches

TIMES = 5
"""Exemplars like a photograph: so many times those that are needed, if nothing is said."""


def allowed_rows(
    items: pd.DataFrame, rows: np.ndarray, only: list[str], exclude: list[str]
) -> np.ndarray:
    """The exemplars a user allows by name.

    Args:
        items: the domain's items.
        rows: the rows of the exemplars.
        only: ids, categories, or globs on them; where there are some, an exemplar must match one.
        exclude: likewise; an exemplar that matches one is not used.

    Returns:
        Rows, ascending.

    Raises:
        RequestError: a glob matches no exemplar; all such globs are named.
    """
    ids, categories = (items[name].iloc[rows].astype(str) for name in ("id", "category"))
    idle = []

    def matching(globs: list[str]) -> np.ndarray:
        found = np.zeros(len(rows), bool)
        for glob in globs:
            hits = matches(glob, ids, categories)
            if not hits.any():
                idle.append(glob)
            found |= hits
        return found

    chosen = matching(only) if only else np.ones(len(rows), bool)
    chosen &= ~matching(exclude)
    if idle:
        like = f"ids are like {ids.iloc[0]!r}, " if len(ids) else ""
        raise RequestError(
            f"no exemplar's id or category matches {', '.join(map(repr, idle))}; {like}"
            f"categories are {', '.join(sorted(set(categories))[:40])}"
            + "".join(near(glob, {*ids, *categories}, 3) for glob in idle)
        )
    return np.sort(rows[chosen])


def require_enough(count: int, needed: int, schedule: str, globs: bool) -> None:
    """Checks that there are as many exemplars as a schedule draws on.

    Args:
        count: how many there are.
        needed: how many are drawn on.
        schedule: its name.
        globs: whether a user's globs have left some out.

    Raises:
        RequestError: there are too few.
    """
    if count >= needed:
        return
    if globs:
        raise RequestError(
            f"--only and --exclude leave {count} exemplars, the schedule {schedule!r} needs "
            f"{needed}; allow more"
        )
    raise RequestError(
        f"the domain has {count} exemplars, the schedule {schedule!r} needs {needed}; add training "
        "images, or take globs from `removed` in params.yaml"
    )


def how_many_alike(asked: int | None, needed: int, available: int) -> int:
    """The number of exemplars like a photograph.

    Args:
        asked: by `--like`; None for five times those that are needed, or all if they are fewer.
        needed: how many the schedule draws on.
        available: how many are allowed.

    Raises:
        RequestError: fewer are asked for than needed, or more than there are.
    """
    if asked is None:
        return min(TIMES * needed, available)
    if not needed <= asked <= available:
        raise RequestError(
            f"--like {asked}: expected {needed} (what the schedule draws on) to {available} (the "
            "exemplars that are allowed)"
        )
    return asked


def alike(look: zarr.Array, rows: np.ndarray, photograph: np.ndarray, count: int) -> np.ndarray:
    """The exemplars that look most like a photograph, whatever they show.

    Args:
        look: (N, L) float32, of every image of the store.
        rows: (n,) the exemplars to choose from, ascending.
        photograph: (H, W, 3) u8, as large as the exemplars.
        count: how many.

    Returns:
        (count,) rows, ascending; of equally like ones the lower are taken.

    Raises:
        StoreError: a look is not finite, or of another length; the message names the store.
    """
    wanted, stored = looks(photograph[None])[0], read_rows(look, rows)
    if stored.shape[1:] != wanted.shape:
        raise StoreError(
            f"{look.store_path}: looks of {stored.shape[1]} values, expected {len(wanted)}; run "
            "`exemplar reproduce` to make the store anew"
        )
    bad = rows[~np.isfinite(stored).all(axis=1)].tolist()
    if bad:
        raise StoreError(
            f"{look.store_path}: values that are not finite in rows {bad}; the store is damaged: "
            "remove it and run `exemplar reproduce`"
        )
    return most_alike(stored, rows, wanted, count, 1)


def require_some(count: int, globs: bool) -> None:
    """Checks that there is an exemplar.

    Args:
        count: how many there are.
        globs: whether a user's globs have left some out.

    Raises:
        RequestError: there is none.
    """
    if count:
        return
    remedy = (
        "allow more than --only and --exclude do"
        if globs
        else "add training images, or take globs from `removed` in params.yaml"
    )
    raise RequestError(f"a picture needs an exemplar, none is left; {remedy}")


def most_alike(
    looks: np.ndarray, rows: np.ndarray, wanted: np.ndarray, asked: int | None, needed: int
) -> np.ndarray:
    """The exemplars whose looks are nearest to one that is wanted.

    Args:
        looks: (n, L), theirs.
        rows: (n,) of the store, ascending.
        wanted: (L,).
        asked: how many; None for five times those that are needed, or all if they are fewer.
        needed: how many there must be, if there are so many.

    Returns:
        Rows, ascending; of equally like ones the lower are taken.

    Raises:
        RequestError: fewer are asked for than needed, or more than there are.
    """
    count = how_many_alike(asked, min(needed, len(rows)), len(rows))
    distance = np.square(looks.astype(np.float64) - wanted).sum(axis=1)
    return np.sort(rows[np.argsort(distance, kind="stable")[:count]])
