"""Whole-image search: which exemplars are most like an image, by FAISS on scene features."""

from __future__ import annotations

from pathlib import Path

import faiss
import numpy as np

from exemplar.store.files import written


class SearchError(ValueError):
    """A search cannot give as many exemplars as asked for."""


def build_index(scene: np.ndarray, rows: np.ndarray) -> faiss.IndexIDMap:
    """An exact index by cosine similarity.

    Args:
        scene: (N, G) float32, one feature an image.
        rows: (N,) int64, each image's row in its store; the index answers with these.

    Returns:
        A FAISS index with ids.
    """
    index = faiss.IndexIDMap(faiss.IndexFlatIP(scene.shape[1]))
    index.add_with_ids(_unit(scene), np.asarray(rows, dtype=np.int64))
    return index


def save_index(path: Path | str, index: faiss.Index) -> None:
    """Writes an index whole."""
    with written(path) as partial:
        faiss.write_index(index, str(partial))


def load_index(path: Path | str) -> faiss.IndexIDMap:
    """Reads an index.

    Raises:
        SearchError: the file is missing or damaged; the message says which.
    """
    if not Path(path).is_file():
        raise SearchError(
            f"{path}: no such index; `exemplar reproduce` makes it for the domains and conditions "
            "named under `run` in params.yaml"
        )
    try:
        index = faiss.read_index(str(path))
    except RuntimeError as error:
        raise SearchError(f"{path}: not a readable index; run `exemplar reproduce`") from error
    if not isinstance(index, faiss.IndexIDMap):
        raise SearchError(f"{path}: an index without rows; run `exemplar reproduce`")
    return index


def ids(index: faiss.IndexIDMap) -> np.ndarray:
    """The rows (int64) that an index holds."""
    return faiss.vector_to_array(index.id_map)


def nearest(
    index: faiss.IndexIDMap, scene: np.ndarray, count: int, allowed: np.ndarray | None = None
) -> np.ndarray:
    """The exemplars most like each query, best first.

    Args:
        index: from `build_index`.
        scene: (B, G) float32.
        count: how many to return.
        allowed: rows to choose from; all by default.

    Returns:
        (B, count) int64 rows.

    Raises:
        SearchError: fewer exemplars than asked for are there.
    """
    if scene.shape[1] != index.d:
        raise SearchError(
            f"scene features have {scene.shape[1]} values, the index {index.d}: they come from "
            "different backbones; run `exemplar reproduce` to make both anew"
        )
    available = ids(index) if allowed is None else np.intersect1d(allowed, ids(index))
    if len(available) < count:
        raise SearchError(
            f"{count} exemplars are needed, {len(available)} are there; widen --only or "
            "--exclude, add images, or ask for a schedule with fewer neighbours"
        )
    parameters = None
    if allowed is not None:
        selector = faiss.IDSelectorBatch(np.asarray(available, dtype=np.int64))
        parameters = faiss.SearchParameters()
        parameters.sel = selector
    _, rows = index.search(_unit(scene), count, params=parameters)
    return rows


def _unit(scene: np.ndarray) -> np.ndarray:
    """Rows of unit length, contiguous float32."""
    scene = np.ascontiguousarray(scene, dtype=np.float32)
    return scene / np.maximum(np.linalg.norm(scene, axis=1, keepdims=True), 1e-12)
