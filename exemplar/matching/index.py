"""The whole-image index: scene features of exemplars → index/<domain>-<condition>.faiss.

Exact up to a size, inverted lists over fewer dimensions above it. Either way a query's scene
feature goes in as it is, and rows of the feature store come out.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import faiss
import numpy as np
import torch
import zarr

from exemplar.matching.scenes import HELD_BYTES, SearchError, cosines, features_of, ranked
from exemplar.store.files import written

DIMENSIONS = 256  # of the features in inverted lists
SAMPLE = 2048  # features that their directions are learned from
LISTS = 4  # there are this many times √n
POINTS = 64  # a list's centre is learned from, on average
PROBES = 256  # lists looked into
SHORTLIST = 3  # times as many as asked for are found in them, and compared in full
ROUNDING = 1e-5  # FAISS's cosines are surely no further off
SEED = 0

_MARK = b"exemplar"  # what follows is the checksum of what precedes
_TAIL = len(_MARK) + 16


def build_index(scene: zarr.Array, rows: np.ndarray, exact_bytes: int = HELD_BYTES) -> faiss.Index:
    """An index by cosine similarity: exact for few exemplars, approximate for many.

    Above the limit a linear map keeps the directions of most energy (an uncentred SVD of a
    sample), and inverted lists hold the result in 16 bits a value. Features stream from the
    store: memory holds a slice of them, and a few times what the index takes. Equal features
    give an equal index.

    Args:
        scene: (N, G) float32; row i describes image i.
        rows: (n,) the images to be found; nothing depends on others.
        exact_bytes: size of the features up to which the index is exact.

    Returns:
        A FAISS index whose answers are rows of `scene`.

    Raises:
        SearchError: there are no rows, or a feature is not finite; the message names the rows.
    """
    rows = np.unique(np.asarray(rows, dtype=np.int64))
    if not len(rows):
        raise SearchError(
            f"{scene.store_path}: no exemplars to index; add training images, or take globs "
            "from `removed` in params.yaml"
        )
    with _one_thread():
        if len(rows) * scene.shape[1] * 4 > exact_bytes:
            return _inverted_lists(scene, rows)
        exact = faiss.IndexIDMap(faiss.IndexFlatIP(scene.shape[1]))
        for part, features in features_of(scene, rows):
            exact.add_with_ids(features, part)
        return exact


def save_index(path: Path | str, index: faiss.Index) -> None:
    """Writes an index whole, and behind it a checksum, which FAISS passes over."""
    with written(path) as partial:
        faiss.write_index(index, str(partial))
        digest = _digest(partial, partial.stat().st_size)
        with partial.open("ab") as file:
            file.write(_MARK + digest)


def load_index(path: Path | str) -> faiss.Index:
    """Opens an index; inverted lists stay in the file until they are looked into.

    Raises:
        SearchError: the file is missing or damaged; the message says which.
    """
    path = Path(path)
    if not path.is_file():
        raise SearchError(
            f"{path}: no such index; `exemplar reproduce` makes it for the domains and conditions "
            "named under `run` in params.yaml"
        )
    size = path.stat().st_size - _TAIL
    with path.open("rb") as file:
        file.seek(max(size, 0))
        tail = file.read()
    if size < 0 or tail != _MARK + _digest(path, size):
        raise SearchError(
            f"{path}: damaged, its checksum does not fit; remove it and run `exemplar reproduce`"
        )
    return faiss.read_index(str(path), faiss.IO_FLAG_MMAP)


def ids(index: faiss.Index) -> np.ndarray:
    """The rows that an index holds, (n,) int64, ascending."""
    if isinstance(index, faiss.IndexIDMap):
        return faiss.vector_to_array(index.id_map)
    lists = faiss.extract_index_ivf(index).invlists
    assert lists is not None
    sizes = [lists.list_size(i) for i in range(lists.nlist)]
    held = [faiss.rev_swig_ptr(lists.get_ids(i), n) for i, n in enumerate(sizes) if n]
    return np.sort(np.concatenate(held))


def search_index(
    index: faiss.Index, scene: zarr.Array, queries: np.ndarray, count: int
) -> np.ndarray:
    """The rows most like each query, best first; of equal ones the lower row is first.

    FAISS finds somewhat more than is asked for; these are ranked by `cosines`. With inverted
    lists that takes their features from the store. Of the 11 nearest among 100,000 features of
    real photographs (4,608 values of a VGG's conv4; 4,242 photographs, each varied) 0.99 are
    found, 0.82 without the ranking. A query took 50 ms on one core, nearly all of it reading; an
    exact one took 1 ms among 1,000 and 8 ms among 8,000.

    Args:
        index: from `build_index`.
        scene: (N, G) float32, what it was built from.
        queries: (B, G) float32 of unit length.
        count: at most the index's rows.

    Returns:
        (B, count) int64.
    """
    best = []
    for query in queries:
        if isinstance(index, faiss.IndexIDMap):
            near = _near(index, query[None], count)
            features = index.index.reconstruct_batch(np.searchsorted(ids(index), near))
        else:
            near = _near_in_lists(index, query[None], count)
            features = np.concatenate([x for _, x in features_of(scene, near)])
        scores = cosines(torch.from_numpy(features), torch.from_numpy(query[None]))
        best.append(near[ranked(scores)[:count, 0]])
    return np.stack(best)


def _near(index: faiss.IndexIDMap, query: np.ndarray, count: int) -> np.ndarray:
    """Rows, ascending, among them the best; FAISS's kernels round each in its own way."""
    asked = min(count + 8, index.ntotal)
    while True:
        scores, rows = index.search(query, asked)
        if asked == index.ntotal or scores[0, count - 1] - scores[0, -1] > ROUNDING:
            return np.sort(rows[0])
        asked = min(4 * asked, index.ntotal)


def _near_in_lists(index: faiss.Index, query: np.ndarray, count: int) -> np.ndarray:
    """Rows, ascending, among them most of the best."""
    probes, nlist = PROBES, faiss.extract_index_ivf(index).nlist
    while True:
        lists, given = faiss.SearchParametersIVF(), faiss.SearchParametersPreTransform()
        lists.nprobe, given.index_params = min(probes, nlist), lists
        _, rows = index.search(query, min(SHORTLIST * count, index.ntotal), params=given)
        found = np.sort(rows[rows >= 0])
        if len(found) >= count or probes >= nlist:
            return found
        probes *= 4  # those lists hold fewer than asked for


def _inverted_lists(scene: zarr.Array, rows: np.ndarray) -> faiss.IndexPreTransform:
    """Features in fewer dimensions, in lists around centres."""
    reduce = _leading_directions(scene, rows)
    reduced = np.empty((len(rows), reduce.d_out), np.float16)
    done = 0
    for part, features in features_of(scene, rows):
        reduced[done : done + len(part)] = reduce.apply(features)
        done += len(part)
    nlist = min(int(LISTS * math.sqrt(len(rows))), len(rows))
    centres = faiss.IndexFlatIP(reduce.d_out)
    lists = faiss.IndexIVFScalarQuantizer(
        centres, reduce.d_out, nlist, faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT
    )
    lists.cp.seed, lists.cp.min_points_per_centroid = SEED, 1
    lists.train(reduced[_spread(len(rows), POINTS * nlist)].astype(np.float32))
    for start in range(0, len(rows), SAMPLE):
        part = slice(start, start + SAMPLE)
        lists.add_with_ids(reduced[part].astype(np.float32), rows[part])
    return faiss.IndexPreTransform(reduce, lists)


def _leading_directions(scene: zarr.Array, rows: np.ndarray) -> faiss.LinearTransform:
    """The map to the right singular vectors of a sample of features, by its Gram matrix."""
    chosen = rows[_spread(len(rows), SAMPLE)]
    sample = torch.from_numpy(np.concatenate([x for _, x in features_of(scene, chosen)]))
    values, left = torch.linalg.eigh(sample.double() @ sample.double().T)
    kept = min(DIMENSIONS, int((values > 1e-10 * values[-1]).sum()))
    if not kept:
        raise SearchError(
            f"{scene.store_path}: every scene feature is zero; the backbone sees nothing: name "
            "another layer or backbone in params.yaml"
        )
    left, values = left.flip(1)[:, :kept], values.flip(0)[:kept]
    directions = (left * values.rsqrt()).float().T @ sample
    reduce = faiss.LinearTransform(scene.shape[1], kept, False)
    faiss.copy_array_to_vector(directions.numpy().ravel(), reduce.A)
    reduce.is_trained = True
    return reduce


def _spread(total: int, count: int) -> np.ndarray:
    """At most `count` places, evenly over 0 … total − 1."""
    return np.unique(np.linspace(0, total - 1, min(count, total)).astype(np.int64))


def _digest(path: Path, size: int) -> bytes:
    """The checksum of a file's first bytes."""
    digest = hashlib.blake2b(digest_size=_TAIL - len(_MARK))
    with path.open("rb") as file:
        while size > 0 and (block := file.read(min(size, 1 << 20))):
            digest.update(block)
            size -= len(block)
    return digest.digest()


@contextmanager
def _one_thread() -> Iterator[None]:
    """Sums depend on the number of threads in their last bits; this makes it one."""
    before = torch.get_num_threads(), faiss.omp_get_max_threads()
    torch.set_num_threads(1)
    faiss.omp_set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before[0])
        faiss.omp_set_num_threads(before[1])
