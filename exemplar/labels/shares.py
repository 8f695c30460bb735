"""How much of a map is of which class: said of what was recognised, and what is wrong with it.

After `recognition`: classes without pixels, and maps of which most has no class, are told before
anything is learned of them.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from exemplar.labels.encoding import IGNORE
from exemplar.labels.known import listed
from exemplar.labels.values import per_cent

SHARE = re.compile(r"(less than )?[0-9.]+%")
"""As `per_cent` says it."""
MOST_UNLABELLED = 0.5
"""Share of the pixels without a class up to which a map says enough."""


def counted(labels: NDArray[np.uint8], classes: int) -> NDArray[np.int64]:
    """The pixels of each class.

    Args:
        labels: of any shape, places of classes or `IGNORE`.
        classes: C.

    Returns:
        (C + 1,), at the end those without a class.
    """
    counts = np.bincount(labels.ravel(), minlength=IGNORE + 1)
    return np.append(counts[:classes], counts[IGNORE]).astype(np.int64)


def shares(names: Sequence[str], counts: NDArray[np.int64]) -> str:
    """Classes with their shares, the largest first, those without pixels, and what has no class.

    Args:
        names: (C) of the classes.
        counts: (C + 1,), as `counted`.

    Returns:
        Such as `body 61%, head 30%, collar none; no class 9%`.
    """
    total = max(1, int(counts.sum()))
    order = np.argsort(-counts[:-1], kind="stable").tolist()
    parts = (counts / total).tolist()
    said = [f"{names[place]} {per_cent(parts[place])}" for place in order if counts[place]]
    text = listed(said) or "no class at all"
    none = absent(names, counts)
    if none:
        text += f"; none of {listed(none)}"
    return text + (f"; no class {per_cent(parts[-1])}" if counts[-1] else "")


def absent(names: Sequence[str], counts: NDArray[np.int64]) -> list[str]:
    """The classes that no pixel has."""
    return [name for name, count in zip(names, counts[:-1], strict=True) if not count]


def said_of_map(
    where: str, size: tuple[int, ...], way: str, names: Sequence[str], counts: NDArray[np.int64]
) -> str:
    """One line of how a map was understood.

    Args:
        where: its file.
        size: (H, W).
        way: see `recognition.Recognised`.
        names: of all classes; those without pixels are not listed.
        counts: as `counted`.

    Returns:
        Such as `labels.png: 512×512, 2 classes by colour: body 61%, head 39%`.
    """
    here = [place for place in range(len(names)) if counts[place]]
    number = "1 class" if len(here) == 1 else f"{len(here)} classes"
    text = shares([names[place] for place in here], counts[[*here, -1]])
    return f"{where}: {size[1]}×{size[0]}, {number} by {way}: {text}"


def said_of_split(
    where: str, ways: Iterable[str], names: Sequence[str], counts: Sequence[Sequence[int]]
) -> str:
    """One line of how all maps of a split were understood.

    Args:
        where: the split or its folder.
        ways: of each map, see `recognition.Recognised`.
        names: of the classes.
        counts: of each map, as `counted`.
    """
    number = "1 label map" if len(counts) == 1 else f"{len(counts)} label maps"
    text = shares(names, np.sum(counts, axis=0))
    return f"{where}: {number}, classes by {' or '.join(sorted(set(ways)))}: {text}"


def said_in_notes(found: Iterable[tuple[str, Sequence[str]]]) -> list[str]:
    """Notes of many files, those that differ in their shares alone in one line.

    Args:
        found: of each file its name, and its notes.

    Returns:
        Lines, in the order of files; each names the first file, whose shares it gives.
    """
    first: dict[str, tuple[str, str]] = {}
    numbers = Counter[str]()
    alike = defaultdict[str, set[str]](set)
    for name, notes in found:
        for note in notes:
            kind = SHARE.sub("%", note)
            first.setdefault(kind, (name, note))
            numbers[kind] += 1
            alike[kind].add(note)
    said = []
    for kind, (name, note) in first.items():
        others = f" and {numbers[kind] - 1} more" if numbers[kind] > 1 else ""
        own = ", with shares of their own" if len(alike[kind]) > 1 else ""
        said.append(f"note: {name}{others}{own}: {note}")
    return said


def unlabelled(counts: NDArray[np.int64]) -> str | None:
    """What is wrong with maps of which too much has no class; none if they say enough."""
    share = counts[-1] / max(1, int(counts.sum()))
    if share <= MOST_UNLABELLED:
        return None
    return f"{per_cent(share)} of the pixels have no class, more than {per_cent(MOST_UNLABELLED)}"


def unlearnable(
    names: Sequence[str], counts: NDArray[np.int64], spared: Collection[str]
) -> list[str]:
    """What is wrong with all maps of a training together.

    Args:
        names: of the classes.
        counts: (C + 1,) of all maps, as `counted`.
        spared: classes that need no pixels.

    Returns:
        Sentences; none if something can be learned.
    """
    wrong = []
    if said := unlabelled(counts):
        wrong.append(
            f"{said}: see that classes have the numbers that the maps have, or make a class of "
            "what is ignored"
        )
    if lost := [name for name in absent(names, counts) if name not in spared]:
        wrong.append(
            f"no pixel is {listed(lost)}: see that classes have the numbers or colours that the "
            f"maps have; if they do, say so by lacking: [{', '.join(lost)}]"
        )
    elif np.count_nonzero(counts[:-1]) < 2:
        wrong.append("only one class has pixels, so there is no layout to learn from")
    return wrong
