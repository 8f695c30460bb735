"""Targets of a request: label maps and edits, by the classes of the source.

All that is wrong is noted, to be told at once.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from exemplar.data.problems import Problems
from exemplar.labels.palette import Palette, listed, place_of
from exemplar.labels.wishes import WishError, edited, target_name
from exemplar.methods.semantic_analogy.conditions import Condition
from exemplar.methods.semantic_analogy.settings import Method
from exemplar.methods.semantic_analogy.source import SMALLEST_SIDE

RESERVED = frozenset(["labels-overlay.png", "labels.png", "palette.csv", "preview", "source.json"])
"""Names that other results have."""


class Target(NamedTuple):
    """A layout that is asked for.

    Attributes:
        name: of the folder of its results.
        labels: (H', W') u8 places in the source's classes.
        made_from: its file, or the edit.
        note: what a user should know of how it was read, if anything.
    """

    name: str
    labels: NDArray[np.uint8]
    made_from: str
    note: str = ""


def read_targets(
    files: Sequence[Path],
    edits: Sequence[str],
    mapping: Sequence[str],
    snapped: bool,
    condition: Condition,
    method: Method,
    problems: Problems,
) -> list[Target]:
    """Makes all targets.

    Args:
        files: of targets.
        edits: of the source's labels, each a target.
        mapping: TARGETCLASS=SOURCECLASS each.
        snapped: whether colours of files are brought to those of the source.
        condition: the source's labels.
        method: that is to be used.
        problems: gets a line for all that is wrong.

    Returns:
        The targets that could be made, those of files first.
    """
    classes = _mapping(mapping, condition.palette, problems)
    targets = _from_files(files, condition, classes, snapped, problems)
    targets += _from_edits(edits, condition, problems)
    _names_differ(files, edits, problems)
    _check_sizes(targets, condition.labels.shape, method, problems)
    return targets


def _mapping(given: Sequence[str], palette: Palette, problems: Problems) -> dict[str, int]:
    """Target class → place of the source's."""
    mapping: dict[str, int] = {}
    for text in given:
        theirs, sign, own = (part.strip() for part in text.rpartition("="))
        place = place_of(own, palette)
        if not sign or not theirs:
            problems.append(f"--map {text!r}: expected TARGETCLASS=SOURCECLASS")
        elif place is None:
            problems.append(
                f"--map {text!r}: the source has no class {own!r}; it has {listed(palette)}"
            )
        elif theirs in mapping:
            problems.append(f"--map {text!r}: {theirs} is mapped twice; keep one")
        else:
            mapping[theirs] = place
    return mapping


def _from_files(
    files: Sequence[Path],
    condition: Condition,
    mapping: Mapping[str, int],
    snapped: bool,
    problems: Problems,
) -> list[Target]:
    """Targets that are files."""
    targets, unused = [], set(mapping)
    known = len(problems)
    for path in files:
        read = condition.read_target(path, mapping, snapped, problems)
        if read is not None:
            targets.append(Target(path.stem, read.labels, str(path), read.note))
            unused -= read.mapped
    if unused and len(problems) == known:
        problems.append(f"--map: no target has {', '.join(sorted(unused))}; leave it out")
    return targets


def _from_edits(edits: Sequence[str], condition: Condition, problems: Problems) -> list[Target]:
    """Targets that are the source's labels, changed."""
    targets = []
    for text in edits:
        try:
            labels = edited(condition.labels, condition.palette, text)
        except WishError as error:
            problems.append(f"--edit {error}")
            continue
        targets.append(Target(target_name(text), labels, text))
    return targets


def _names_differ(files: Sequence[Path], edits: Sequence[str], problems: Problems) -> None:
    """Notes targets that are given twice, or would be written to one folder."""
    same: dict[str, list[str]] = defaultdict(list)
    for path in files:
        same[path.stem.casefold()].append(str(path))
    for text in edits:
        same[target_name(text).casefold()].append(text)
    for name, given in same.items():
        if name in RESERVED or name.startswith(".") or not name:
            problems.append(
                f"{given[0]}: its results would be a folder {name!r}, but that is the name of "
                "others, or none; rename it"
            )
        if len(set(given)) == 1 and len(given) > 1:
            problems.append(f"{given[0]}: is given {len(given)} times; name it once")
        elif len(given) > 1:
            problems.append(
                f"{', '.join(given)}: have one name, {name}, and would be one folder; rename the "
                "files apart"
            )


def _check_sizes(
    targets: list[Target], size: tuple[int, ...], method: Method, problems: Problems
) -> None:
    """Notes targets of sizes that cannot be made."""
    for target in targets:
        height, width = target.labels.shape
        if min(height, width) < SMALLEST_SIDE:
            problems.append(
                f"{target.made_from}: expected at least {SMALLEST_SIDE} pixels a side, got "
                f"{width}×{height}"
            )
        elif method == "gan" and (height, width) != size:
            problems.append(
                f"{target.made_from}: the method `gan` makes images of the source's size, "
                f"{size[1]}×{size[0]}, got {width}×{height}; draw it in that size, or take "
                "--method patches, which makes any"
            )
