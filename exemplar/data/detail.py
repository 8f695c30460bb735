"""Photographs and label maps of a domain again, at their own size: read from their files.

Stores have what networks see. Pictures for people are made of the files that `items.parquet` names:
the same part of each, in the same place, by the same decoder, as large as it was photographed. The
rendered domain has no files, and renders the same scene.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path
from threading import RLock
from typing import Any

import numpy as np
from cachetools import LRUCache
from numpy.typing import NDArray
from PIL import Image

from exemplar.data.crops import cut, nearest
from exemplar.data.inputs import BadPhoto, Box, DomainError
from exemplar.data.layout_settings import CityscapesSettings
from exemplar.data.pairs import halves, label_map
from exemplar.data.photo_files import bytes_of
from exemplar.data.photo_settings import PairsSettings, Photos
from exemplar.data.pixels import decode
from exemplar.data.rendered.settings import RenderedSettings
from exemplar.data.settings import Domain
from exemplar.labels.domains import known_of, known_of_labelled, known_of_pairs
from exemplar.labels.drawn import of_file
from exemplar.labels.encoding import IGNORE
from exemplar.labels.recognition import recognised
from exemplar.store.files import content_hash, sources_hash
from exemplar.store.items import BOX
from exemplar.store.kept import Kept

Item = Mapping[Any, Any]
"""A row of `items.parquet`: a dictionary, or a row of the table."""

RENDERER = "exemplar/data/rendered"

AGAIN = "put it back, or run `exemplar reproduce` with the domain's stage `prepare` and `--force`"


class Cache(LRUCache[tuple, np.ndarray]):
    """A place for what is read: when it is full, what was used longest ago is dropped.

    Several threads may use it: they look with `get`, for what is there may be dropped at once.

    Args:
        size: in bytes.
    """

    def __init__(self, size: int) -> None:
        super().__init__(size, getsizeof=lambda values: values.nbytes)
        self._lock = RLock()

    def __getitem__(self, key: tuple) -> np.ndarray:
        """What is kept; from now on it is what was used last."""
        with self._lock:
            return super().__getitem__(key)

    def __setitem__(self, key: tuple, values: np.ndarray) -> None:
        """Keeps something, and drops what it takes the place of."""
        with self._lock:
            super().__setitem__(key, values)

    def get(self, key: tuple, default: Any = None) -> Any:
        """What is kept, or the default."""
        with self._lock:
            return super().get(key, default)


def cache_of(size: int) -> Cache:
    """An empty cache of so many bytes."""
    return Cache(size)


def photograph_at(
    item: Item, settings: Domain, side: int, seed: int = 0, cache: Cache | None = None
) -> NDArray[np.uint8]:
    """The part of a photograph that an image of a domain was made from.

    Args:
        item: the image's row, with the columns `store.items.FILES`.
        settings: of the domain; its root is where the files are.
        side: the longer side of the result, in pixels, if the file has so many; else all it has.
        seed: of rendering, `prepare.seed`.
        cache: keeps the result.

    Returns:
        (h, w, 3) u8, not to be written to. At the size of the domain's images it is the stored
        image; a rendered scene has other noise at another size, and the same composition.

    Raises:
        DomainError: the file is gone, is another than before, or there is none.
    """
    if isinstance(settings, RenderedSettings):
        return _rendered(item, settings, side, seed, "image", cache)
    source = _file(item, settings, "path", "photograph")
    box = _box(item)

    def read() -> np.ndarray:
        image = _photograph(item, settings, source)
        if not isinstance(settings, PairsSettings):
            return cut(image, box, _size(box, side))
        photograph, _ = halves(image, settings)
        within = _within_half(box, image)
        return cut(photograph, within, _size(within, side))

    return _kept(("photograph", settings.model_dump_json(), source, box, side), read, cache)


def labels_at(
    item: Item, settings: Domain, side: int, seed: int = 0, cache: Cache | None = None
) -> NDArray[np.uint8]:
    """The same part of the label map.

    Args:
        item: see `photograph_at`.
        settings: the same.
        side: the same.
        seed: the same.
        cache: the same.

    Returns:
        (h, w) u8, places of classes or 255: the pixel in the middle of what each covers. Not to be
        written to.

    Raises:
        DomainError: the map is gone, cannot be read any more, or there is none.
    """
    if isinstance(settings, RenderedSettings):
        return _rendered(item, settings, side, seed, "labels", cache)
    source = _file(item, settings, "labels", "label map")
    box = _box(item)

    def read() -> np.ndarray:
        if not isinstance(settings, PairsSettings):
            return nearest(_labels(item, settings, source), box, _size(box, side), IGNORE)
        image = _photograph(item, settings, source)
        within = _within_half(box, image)
        try:
            found = label_map(halves(image, settings)[1].crop(within), known_of_pairs(settings))
        except BadPhoto as error:
            raise _unreadable(settings, source, error) from None
        height, width = found.labels.shape
        return nearest(found.labels, (0, 0, width, height), _size(within, side))

    return _kept(("labels", settings.model_dump_json(), source, box, side), read, cache)


def _labels(item: Item, settings: Any, source: str) -> NDArray[np.uint8]:
    """A whole label map of a file of its own."""
    known = (
        known_of(settings)
        if isinstance(settings, CityscapesSettings)
        else known_of_labelled(settings)
    )
    try:
        drawn = of_file(bytes_of(settings.root / source))
        return recognised(drawn, known, bool(item["masked"])).labels
    except BadPhoto as error:
        raise _unreadable(settings, source, error) from None


def _photograph(item: Item, settings: Any, source: str) -> Image.Image:
    """A whole photograph, upright; side by side with its condition, if it was so."""
    try:
        data = bytes_of(settings.root / source)
        if isinstance(settings, Photos) and hashlib.sha256(data).hexdigest() != item["sha256"]:
            raise BadPhoto("is another file than when the domain was prepared")
        return decode(data)
    except BadPhoto as error:
        raise _unreadable(settings, source, error) from None


def _unreadable(settings: Any, source: str, error: BadPhoto) -> DomainError:
    return DomainError(f"{settings.root / source}: {error}; {AGAIN}")


def _file(item: Item, settings: Domain, column: str, what: str) -> str:
    """A file's path below the root.

    Raises:
        DomainError: the image has none.
    """
    if not isinstance(settings, Photos | CityscapesSettings):
        raise DomainError(
            f"{item['id']}: there is no {what} larger than the stored image: a domain of kind "
            f"{settings.kind} comes in files of many small images"
        )
    if column not in item:
        raise DomainError(
            f"{item['id']}: the domain's table does not say from which part of which file it was "
            "made; run `exemplar reproduce`, which makes it anew"
        )
    if not item[column]:
        raise DomainError(f"{item['id']}: there is no {what} of it in {settings.root}")
    return str(item[column])


def _box(item: Item) -> Box:
    left, top, right, bottom = (float(item[name]) for name in BOX)
    return left, top, right, bottom


def _within_half(box: Box, image: Image.Image) -> Box:
    """A box of a side-by-side file in its own half."""
    half = image.width // 2
    start = half if box[0] >= half else 0
    return box[0] - start, box[1], box[2] - start, box[3]


def _size(box: Box, side: int) -> tuple[int, int]:
    """(h, w) of the result: of the box's proportions, and no larger than it."""
    width, height = box[2] - box[0], box[3] - box[1]
    scale = min(1.0, side / max(width, height))
    return max(1, round(height * scale)), max(1, round(width * scale))


def _rendered(
    item: Item, settings: RenderedSettings, side: int, seed: int, part: str, cache: Cache | None
) -> np.ndarray:
    """An array of the scene, rendered anew."""
    from exemplar.data.rendered import render  # brings the ray tracer

    index = int(str(item["source"]).removeprefix("rendered:"))
    key = ("rendered", settings.model_dump_json(), seed, index, side)
    if cache is not None and (known := cache.get((*key, part))) is not None:
        return known

    def make() -> dict[str, np.ndarray]:
        made = render(index, settings, side, seed)
        return {name: getattr(made, name) for name in ("image", "labels")}

    made_by = content_hash([settings.model_dump(mode="json"), seed, sources_hash(RENDERER)])
    # A large head takes seconds.
    arrays = Kept(Path(".work", "rendered", made_by)).get(f"{index}-{side}", make)
    for name, values in arrays.items():
        _kept((*key, name), lambda values=values: values, cache)
    return arrays[part]


def _kept(key: tuple, read: Callable[[], np.ndarray], cache: Cache | None) -> np.ndarray:
    """What is in the cache, or is read and put there unless it is larger than all of it."""
    if cache is not None and (known := cache.get(key)) is not None:
        return known
    values = read()
    values.setflags(write=False)
    if cache is not None and values.nbytes <= cache.maxsize:
        cache[key] = values
    return values
