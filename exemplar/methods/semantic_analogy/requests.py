"""What a user asks for: a source, where its labels come from, and targets; read and checked.

Everything is looked at before anything is made, and all that is wrong is noted, to be told at once.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from exemplar.data.pictures import Picture, read_picture
from exemplar.data.problems import Problems
from exemplar.labels.clusters import Network
from exemplar.labels.palette import Palette, read_entries
from exemplar.labels.shares import counted, said_of_map
from exemplar.methods.semantic_analogy.conditions import (
    Condition,
    clustered,
    drawn_lines,
    labelled,
)
from exemplar.methods.semantic_analogy.settings import Method
from exemplar.methods.semantic_analogy.source import SMALLEST_SIDE, Source
from exemplar.methods.semantic_analogy.targets import Target, read_targets

CLUSTERS, EDGES = "clusters", "edges"
"""In place of a label map: labels are clusters of the source, or its edges."""

DEFAULT_CLUSTERS = 6


@dataclass(frozen=True)
class Request:
    """What is asked for.

    Attributes:
        image: the source.
        labels: its label map, or `CLUSTERS` or `EDGES`.
        targets: label maps; of edges drawings, of clusters also photographs.
        edits: of the source's labels, each a target.
        mapping: TARGETCLASS=SOURCECLASS each.
        snap: see `label_maps.source_classes`; None: colours are exact.
        clusters: how many; none: `DEFAULT_CLUSTERS`.
        palette: what classes are called, as `palette.read_entries` takes it.
    """

    image: Path
    labels: str
    targets: tuple[Path, ...] = ()
    edits: tuple[str, ...] = ()
    mapping: tuple[str, ...] = ()
    snap: int | None = None
    clusters: int | None = None
    palette: str | None = None

    @property
    def source_files(self) -> list[Path]:
        """All that the source and its labels are made from; a target may be one of them too."""
        own = [] if self.labels in (CLUSTERS, EDGES) else [Path(self.labels)]
        named = [Path(self.palette)] if self.palette and Path(self.palette).is_file() else []
        return [self.image, *own, *named]

    @property
    def files(self) -> list[Path]:
        """All that results are made from."""
        return [*self.source_files, *self.targets]

    @property
    def facts(self) -> list[object]:
        """What labels depend on beside the files."""
        number = DEFAULT_CLUSTERS if self.clusters is None else self.clusters
        return [list(self.mapping), self.snap, number, self.labels, self.palette]


@dataclass(frozen=True)
class Given:
    """A request that has been read.

    Attributes:
        picture: the source as it was read.
        labels: (H, W) u8 places in the palette.
        palette: its classes.
        targets: what is to be made.
        notes: what a user should know, in sentences.
        said: how label maps were understood, a line each.
    """

    picture: Picture
    labels: NDArray[np.uint8]
    palette: Palette
    targets: list[Target] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    said: list[str] = field(default_factory=list)

    @property
    def source(self) -> Source:
        """The source at its full size."""
        return Source(self.picture.image, self.labels, self.palette.names)


def read_request(
    request: Request,
    method: Method,
    network: Callable[[], Network | None],
    seed: int,
    problems: Problems,
) -> Given | None:
    """Reads all files of a request and makes its targets.

    Args:
        request: what is asked for.
        method: that is to be used.
        network: loads that of clusters; notes itself if it cannot.
        seed: of clusters.
        problems: gets a line for all that is wrong.

    Returns:
        The request, none if something is wrong.
    """
    known = len(problems)
    _check_words(request, problems)
    picture = read_picture(request.image, problems)
    entries = read_entries(request.palette, problems) if request.palette else []
    condition: Condition | None = None
    if picture is not None and _large_enough(picture, problems):
        if request.labels == EDGES:
            condition = drawn_lines(picture, problems)
        elif request.labels == CLUSTERS:
            found = network()
            number = DEFAULT_CLUSTERS if request.clusters is None else request.clusters
            if found is not None:
                condition = clustered(picture, found, number, seed, request.snap, problems)
        else:
            condition = labelled(picture, Path(request.labels), entries, request.snap, problems)
    if condition is None or picture is None:
        # Targets mean nothing without classes, but that they are there can be seen.
        problems += [f"{path}: no such file" for path in request.targets if not path.exists()]
        return None
    targets = read_targets(
        request.targets, request.edits, () if request.labels == EDGES else request.mapping,
        request.snap is not None, condition, method, problems,
    )  # fmt: skip
    notes = [*condition.notes, *_doubts(condition, method, bool(targets), problems)]
    notes += [target.note for target in targets if target.note]
    if len(problems) > known:
        return None
    said = [condition.said] if condition.said else []
    said += _said_of(targets, request, condition.palette) if said else []
    return Given(picture, condition.labels, condition.palette, targets, notes, said)


def _said_of(targets: list[Target], request: Request, palette: Palette) -> list[str]:
    """How the label maps of targets were understood."""
    files, names = {str(path) for path in request.targets}, palette.names
    return [
        said_of_map(
            target.made_from, target.labels.shape, "the source's", names,
            counted(target.labels, len(names)),
        )
        for target in targets
        if target.made_from in files
    ]  # fmt: skip


def _check_words(request: Request, problems: Problems) -> None:
    """Notes options that say nothing of this kind of labels."""
    word = request.labels
    if request.clusters is not None and word != CLUSTERS:
        problems.append(f"--clusters: goes with the word {CLUSTERS} in place of SOURCE_LABELS")
    if request.palette is not None and word in (CLUSTERS, EDGES):
        problems.append(f"--palette: names classes of a label map, not of {word}")
    if request.mapping and word == EDGES:
        problems.append(f"--map: {EDGES} have no classes to be mapped")
    if word not in (CLUSTERS, EDGES) and not request.targets and not request.edits:
        problems.append(
            "expected a target: name label maps after SOURCE_LABELS, or change the source's by "
            "--edit move:CLASS:dx,dy, --edit resize:CLASS:factor or --edit remove:CLASS"
        )


def _large_enough(picture: Picture, problems: Problems) -> bool:
    height, width = picture.image.shape[:2]
    if min(height, width) >= SMALLEST_SIDE:
        return True
    problems.append(
        f"{picture.source}: expected at least {SMALLEST_SIDE} pixels a side, got {width}×{height}; "
        "take a larger image"
    )
    return False


def _doubts(condition: Condition, method: Method, asked: bool, problems: Problems) -> list[str]:
    """What a label map of one class can do: notes, or a problem."""
    if len(condition.palette.names) > 1 or not asked:
        return []
    only = ", ".join(condition.palette.names)
    one = f"the source's labels have one class only, {only}"
    if method == "gan":
        problems.append(
            f"{one}: there is no layout to learn from; divide it into classes, take the word "
            f"`{CLUSTERS}` in place of SOURCE_LABELS, or --method patches"
        )
        return []
    return [f"{one}: nothing guides what goes where, only the target's size counts"]
