"""What a layout is given by: a label map, clusters of the source, or its edges.

Each kind makes labels of the source, and reads targets by the same classes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from exemplar.data.drawings import BlankPage
from exemplar.data.pictures import Picture, read_picture
from exemplar.data.problems import Problems
from exemplar.labels.clusters import (
    Clusters,
    Network,
    assign,
    cluster,
    cluster_names,
)
from exemplar.labels.colours import distinct_colours, unpacked
from exemplar.labels.drawn import Drawn, read_map
from exemplar.labels.label_maps import (
    class_mask,
    exact,
    known_share,
    renumbered,
    source_classes,
    target_classes,
)
from exemplar.labels.palette import Entry, Palette
from exemplar.labels.shares import counted, said_of_map
from exemplar.methods.semantic_analogy.labelled_images import (
    resized_image,
    resized_labels,
    working_size,
)
from exemplar.methods.semantic_analogy.line_drawings import (
    PALETTE,
    edge_labels,
    target_labels,
)

Labels = NDArray[np.uint8]

IS_MAP = 0.5
"""Share of a target's pixels with colours of the clusters from which it is a label map."""
CLUSTERED = 256
"""Pixels of the longer side at which clusters are found in larger images, whatever size a method
works at."""
NEAR = 32
"""Distance in RGB up to which a colour may be one of the clusters' that was compressed."""


class Read(NamedTuple):
    """A target that has been read.

    Attributes:
        labels: (H', W') u8 places in the source's classes.
        mapped: which keys of the mapping it has pixels of.
        note: what a user should know of how it was read, if anything.
    """

    labels: Labels
    mapped: frozenset[str] = frozenset()
    note: str = ""


ReadTarget = Callable[[Path, Mapping[str, int], bool, Problems], Read | None]
"""A file, a mapping of classes, whether colours are snapped, problems → the target."""


class Condition(NamedTuple):
    """What layouts are given by.

    Attributes:
        labels: (H, W) u8 of the source, places in the palette.
        palette: the classes.
        read_target: reads a target by them.
        notes: what a user should know, in sentences.
        said: how the source's label map was understood, if there is one.
    """

    labels: Labels
    palette: Palette
    read_target: ReadTarget
    notes: tuple[str, ...] = ()
    said: str = ""


def labelled(
    picture: Picture,
    path: Path,
    entries: Sequence[Entry],
    snap: int | None,
    problems: Problems,
) -> Condition | None:
    """A label map of the source.

    Args:
        picture: the source.
        path: its label map.
        entries: what the user calls classes.
        snap: see `label_maps.source_classes`.
        problems: gets a line if the map cannot be used.

    Returns:
        The condition, none if the map cannot be used.
    """
    found = read_map(path, problems)
    if found is None:
        return None
    height, width = picture.image.shape[:2]
    if found.size != (height, width):
        problems.append(
            f"{path}: expected {width}×{height} pixels as its image, got "
            f"{found.size[1]}×{found.size[0]}; give the label map of {picture.source}"
        )
        return None
    made = source_classes(found, str(path), entries, snap, problems)
    if made is None:
        return None
    labels, palette = made

    def read(
        target: Path, mapping: Mapping[str, int], snapped: bool, problems: Problems
    ) -> Read | None:
        drawn = read_map(target, problems)
        return (
            None
            if drawn is None
            else _by_map(drawn, target, palette, entries, mapping, snapped, problems)
        )

    way = "colour" if palette.coloured else "number"
    counts = counted(labels, len(palette.names))
    said = said_of_map(str(path), labels.shape, way, palette.names, counts)
    notes = (
        () if snap is None else (f"{path}: colours were snapped to {len(palette.names)} classes",)
    )
    return Condition(labels, palette, read, notes, said)


def clustered(
    picture: Picture,
    network: Network,
    count: int,
    seed: int,
    snap: int | None,
    problems: Problems,
) -> Condition | None:
    """Clusters of the source, which are drawn in colours of their own.

    A target of which at least `IS_MAP` of the pixels have these colours is a label map, and may
    have no others; else it is a photograph, whose pixels are given to the same clusters.

    Args:
        picture: the source.
        network: whose features are clustered.
        count: of clusters, from 2 to 64.
        seed: of the clustering.
        snap: not None: of targets other colours take the nearest.
        problems: gets a line if the network cannot take the image.

    Returns:
        The condition, none if it could not be made.
    """
    size = picture.image.shape[0], picture.image.shape[1]
    try:
        small = resized_image(picture.image, working_size(size, CLUSTERED))
        labels, clusters = cluster(small, network, count, seed)
    except (ValueError, RuntimeError) as error:  # too small for the network, or too many clusters
        problems.append(f"{picture.source}: {error}")
        return None
    number = len(clusters.centres)
    palette = Palette(cluster_names(number), distinct_colours(number))

    def read(
        target: Path, mapping: Mapping[str, int], snapped: bool, problems: Problems
    ) -> Read | None:
        drawn = read_map(target, problems)
        if drawn is None:
            return None
        if known_share(drawn, palette) >= IS_MAP or snapped:
            return _by_map(drawn, target, palette, (), mapping, snapped, problems)
        made = _by_clusters(target, network, clusters, problems)
        return None if made is None else made._replace(note=_photograph(drawn, target, palette))

    enlarged = resized_labels(labels, size)
    return Condition(enlarged, palette, read)


def drawn_lines(picture: Picture, problems: Problems) -> Condition | None:
    """Edges of the source; targets are drawings, or photographs, whose edges are found.

    Args:
        picture: the source.
        problems: gets a line if it has no edges.

    Returns:
        The condition, none if there is nothing to draw by.
    """
    labels = edge_labels(picture.image)
    if not labels.any():
        problems.append(
            f"{picture.source}: expected a photograph with edges, found none; give a label map, or "
            "another source"
        )
        return None

    def read(
        target: Path, mapping: Mapping[str, int], snapped: bool, problems: Problems
    ) -> Read | None:
        found = read_picture(target, problems)
        if found is None:
            return None
        try:
            return Read(target_labels(found.image))
        except BlankPage as error:
            problems.append(f"{target}: {error}")
            return None

    return Condition(labels, PALETTE, read)


def _by_map(
    drawn: Drawn,
    path: Path,
    palette: Palette,
    entries: Sequence[Entry],
    mapping: Mapping[str, int],
    snapped: bool,
    problems: Problems,
) -> Read | None:
    """A target that is a label map."""
    if snapped:
        drawn = exact(drawn, palette, entries)
    labels = target_classes(drawn, str(path), palette, entries, mapping, problems)
    if labels is None:
        return None
    mapped = {text for text in mapping if class_mask(text, drawn, palette, entries).any()}
    note = ""
    if renumbered(drawn, palette):
        note = (
            f"{path}: its palette has other numbers than the source's map for the same colours; "
            "its colours decide"
        )
    return Read(labels, frozenset(mapped), note)


def _by_clusters(
    path: Path, network: Network, clusters: Clusters, problems: Problems
) -> Read | None:
    """A target that is a photograph."""
    picture = read_picture(path, problems)
    if picture is None:
        return None
    size = picture.image.shape[0], picture.image.shape[1]
    small = resized_image(picture.image, working_size(size, CLUSTERED))
    labels = assign(small, network, clusters)
    return Read(resized_labels(labels, size))


def _photograph(drawn: Drawn, path: Path, palette: Palette) -> str:
    """What is said of a target that was taken for a photograph."""
    if drawn.colours is not None:
        codes, counts = np.unique(drawn.colours, return_counts=True)
        colours = unpacked(codes).astype(np.int64)
        near = np.zeros(len(codes), bool)
        for own in palette.colours.astype(np.int64):
            near |= np.square(colours - own).sum(-1) <= NEAR**2
        if counts[near].sum() >= IS_MAP * counts.sum():
            return (
                f"{path}: was taken for a photograph, as it does not have the clusters' exact "
                "colours, but most of its pixels are near them; if it is a label map that was "
                "smoothed or compressed, give --snap"
            )
    return f"{path}: is no label map of the clusters' colours, so it was taken for a photograph"
