"""Whole-image search: which exemplars are most like an image, by their scene features.

It narrows the library to the few exemplars whose pixels are compared. All exemplars are searched
through their index; a part of them is searched exactly, in the features themselves, so that the
answer is what an exact index of that part alone would give.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import faiss
import numpy as np
import torch
import zarr
from torch import Tensor

from exemplar.matching.index import ids, load_index, search_index
from exemplar.matching.scenes import (
    HELD_BYTES,
    SPAN,
    SearchError,
    cosines,
    features_of,
    ranked,
    unit,
)


@dataclass(frozen=True)
class Images:
    """Exemplars as whole images.

    Attributes:
        scene: (N, G) float32, the features of all images of a store.
        rows: (n,) int64, ascending: which of them are exemplars.
        device: where features are compared when it is not done by the index.
        index: of exactly these rows; without one they are compared one and all.
        held: (n, G) float32 of unit length on the device, if they are kept in memory.
    """

    scene: zarr.Array
    rows: np.ndarray
    device: torch.device | str = "cpu"
    index: faiss.Index | None = None
    held: Tensor | None = None


def open_images(
    path: Path | str,
    scene: zarr.Array,
    rows: np.ndarray,
    device: torch.device | str = "cpu",
) -> Images:
    """Opens the index of a store's exemplars.

    An index that holds other rows than these (one was removed, or allowed again, since it was
    built) is left aside: not even what was learned from a removed exemplar has a part in results.

    Args:
        path: the index.
        scene: (N, G) float32, what it was built from.
        rows: (n,) int64, the exemplars.
        device: where to compare features without an index; a FAISS index stays on the CPU.

    Returns:
        The exemplars, ready for `nearest`.

    Raises:
        SearchError: the index is missing or damaged, or is of another store.
    """
    index = load_index(path)
    if index.d != scene.shape[1]:
        raise SearchError(
            f"{path}: an index of scene features of {index.d} values, those of {scene.store_path} "
            f"have {scene.shape[1]}: they come from different backbones; run `exemplar reproduce`"
        )
    known = ids(index)
    if known[-1] >= scene.shape[0] or known[0] < 0:
        raise SearchError(
            f"{path}: an index of rows {known[0]} to {known[-1]}, {scene.store_path} has "
            f"{scene.shape[0]} rows: it is of another store; run `exemplar reproduce`"
        )
    whole = Images(scene, known, device, index)
    return whole if np.array_equal(known, rows) else _alone(whole, rows)


def part_of(images: Images, allowed: np.ndarray) -> Images:
    """A part of the exemplars, to be searched exactly.

    Args:
        images: from `open_images`.
        allowed: rows; those that are no exemplars count for nothing.

    Returns:
        The part; its features are held in memory if they are small.
    """
    rows = np.intersect1d(allowed, images.rows)
    return images if len(rows) == len(images.rows) else _alone(images, rows)


def nearest(
    images: Images, scene: np.ndarray, count: int, allowed: np.ndarray | None = None
) -> np.ndarray:
    """The exemplars most like each query, best first; of equal ones the lower row is first.

    Args:
        images: from `open_images` or `part_of`.
        scene: (B, G) float32, the queries.
        count: K, how many to return.
        allowed: rows to choose from, all by default; for many queries use `part_of` once.

    Returns:
        (B, K) int64 rows.

    Raises:
        SearchError: there are fewer exemplars than asked for, or queries are of another length
            or not finite.
    """
    if scene.ndim != 2 or scene.shape[1] != images.scene.shape[1]:
        raise SearchError(
            f"expected scene features (B, {images.scene.shape[1]}) as in "
            f"{images.scene.store_path}, got {scene.shape}: they come from different backbones; "
            "run `exemplar reproduce` to make both anew"
        )
    if not np.isfinite(scene).all():
        raise SearchError(
            "the query's scene feature is not finite: its image or network is damaged"
        )
    if allowed is not None:
        images = part_of(images, allowed)
    if not 1 <= count <= len(images.rows):
        raise SearchError(
            f"{count} exemplars are needed, {len(images.rows)} are there; widen --only or "
            "--exclude, add images, take globs from `removed` in params.yaml, or ask for a "
            "schedule with fewer neighbours"
        )
    if images.index is not None:
        return search_index(images.index, images.scene, unit(scene), count)
    queries = torch.from_numpy(unit(scene)).to(images.device)
    scores = np.concatenate([cosines(features, queries) for features in _features(images)])
    return images.rows[ranked(scores)[:count].T]


def _alone(images: Images, rows: np.ndarray) -> Images:
    """These rows without an index, held if they are small."""
    part = Images(images.scene, np.asarray(rows, dtype=np.int64), images.device)
    length = images.scene.shape[1]
    if not 0 < len(rows) * length * 4 <= HELD_BYTES:
        return part
    held = torch.empty((len(rows), length), device=part.device)
    done = 0
    for features in _features(part):
        held[done : done + len(features)] = features
        done += len(features)
    return replace(part, held=held)


def _features(images: Images) -> Iterator[Tensor]:
    """The exemplars' features, (…, G) on the device, some at a time."""
    if images.held is not None:
        yield from images.held.split(SPAN)
        return
    for _, features in features_of(images.scene, images.rows):
        yield torch.from_numpy(features).to(images.device)
