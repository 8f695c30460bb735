"""Boxes and categories from tables (CSV) and PASCAL-VOC annotations (XML).

Boxes are in pixels of the upright image, as viewers show it. Where an annotation also states the
image's size, a photograph of another size is rejected later: its box cannot be trusted.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from xml.etree import ElementTree

from exemplar.data.inputs import DomainError, Listing, Photo
from exemplar.store.items import comparable

PATH_COLUMNS = ("path", "image_name", "file")
CATEGORY_COLUMNS = ("category", "breed")
BOX_COLUMNS = ("xmin", "ymin", "xmax", "ymax")
SIZE_COLUMNS = ("image_width", "image_height")


@dataclass(frozen=True)
class Row:
    """One readable line of a table."""

    name: str
    where: str  # table and line, for messages
    values: dict[str, str]


def read_table(path: Path, root: Path, needed: tuple[str, ...], listing: Listing) -> list[Row]:
    """Reads a CSV line by line, so that a damaged line costs only itself.

    Args:
        path: of the table, below `root`.
        root: the domain's root.
        needed: columns it must have beside one of `PATH_COLUMNS`.
        listing: receives the lines that cannot be read.

    Returns:
        The readable rows, in order.

    Raises:
        DomainError: the table is missing or lacks a column.
    """
    shown = path.relative_to(root).as_posix()
    if not path.is_file():
        raise DomainError(f"{path}: no such table; expected a CSV with {', '.join(needed)}")
    lines = path.read_text(encoding="utf-8-sig", errors="replace").splitlines()
    header = [name.strip() for name in next(csv.reader(lines[:1]), [])]
    names = [name for name in PATH_COLUMNS if name in header]
    missing = [name for name in needed if name not in header]
    if not names or missing:
        lacking = missing if names else [" or ".join(PATH_COLUMNS), *missing]
        raise DomainError(
            f"{path}: expected the columns {', '.join(lacking)} too; it has {', '.join(header)}"
        )
    rows = []
    for number, line in enumerate(lines[1:], start=2):
        if not line.strip():
            continue
        where = f"{shown}:{number}"
        fields = _fields(line)
        if len(fields) != len(header):
            listing.reject(where, f"expected {len(header)} fields, got {len(fields)}")
            continue
        values = dict(zip(header, (value.strip() for value in fields), strict=True))
        name = values[names[0]].replace("\\", "/").removeprefix("./")
        if name:
            rows.append(Row(name, where, values))
        else:
            listing.reject(where, f"the column {names[0]} is empty")
    return rows


def _fields(line: str) -> list[str]:
    try:
        return next(csv.reader([line]))
    except csv.Error:
        return []


def category_of(row: Row) -> str | None:
    """The row's category, if its table has such a column."""
    return next((row.values[name] for name in CATEGORY_COLUMNS if name in row.values), None)


def matched(
    rows: list[Row], sources: list[str], below: str, listing: Listing
) -> Iterator[tuple[Row, str]]:
    """Finds each row's file; rows without one are rejected.

    Args:
        rows: from `read_table`.
        sources: the files there are.
        below: the folder that the names are relative to, `.` for the root.
        listing: receives the rows without a file.

    Yields:
        The row and its file's path below the root. Names may lack the suffix, and be in another
        Unicode form.
    """
    prefix = "" if below == "." else f"{below}/"
    known = {source.removeprefix(prefix): source for source in sources}
    names: dict[str, list[str]] = {}
    stems: dict[str, list[str]] = {}
    for name, source in known.items():
        names.setdefault(comparable(name), []).append(source)
        stems.setdefault(comparable(name.removesuffix(Path(name).suffix)), []).append(source)
    for row in rows:
        form = comparable(row.name)
        found = [known[row.name]] if row.name in known else names.get(form) or stems.get(form, [])
        if len(found) == 1:
            yield row, found[0]
        elif found:
            listing.reject(row.where, f"{row.name} may be any of {', '.join(found)}")
        else:
            listing.reject(row.where, f"there is no image {prefix}{row.name}")


def boxed(
    table: Path, root: Path, sources: list[str], below: str, photos: dict[str, Photo]
) -> Listing:
    """One input for each box of a table.

    Args:
        table: a CSV with a path, `BOX_COLUMNS`, and perhaps a category and `SIZE_COLUMNS`.
        root: the domain's root.
        sources: the image files.
        below: the folder that names in the table are relative to.
        photos: what is known of each file; a row's category takes precedence.

    Returns:
        The boxes in the order of their files, then of the table; images without a row, and rows
        that cannot be used, are rejected.
    """
    listing = Listing()
    rows = read_table(table, root, BOX_COLUMNS, listing)
    mine: dict[str, list[Photo]] = {source: [] for source in sources}
    named = set()
    for row, source in matched(rows, sources, below, listing):
        named.add(source)
        try:
            photo = with_box(photos[source], [row.values[name] for name in BOX_COLUMNS])
            stated = _size([row.values.get(name, "") for name in SIZE_COLUMNS])
        except ValueError as error:
            listing.reject(row.where, f"{row.name}: {error}")
            continue
        category = category_of(row)
        mine[source].append(
            replace(photo, stated=stated, category=photo.category if category is None else category)
        )
    shown = table.relative_to(root).as_posix()
    for source in sources:
        listing.photos += mine[source]
        if source not in named:
            listing.reject(source, f"left out: no box in {shown}", bad=False)
    return listing


def with_box(photo: Photo, edges: list[str]) -> Photo:
    """A photograph with a box from text.

    Raises:
        ValueError: the numbers are none, or do not make a box.
    """
    try:
        x0, y0, x1, y1 = (float(edge) for edge in edges)
    except ValueError:
        raise ValueError(f"expected a box of four numbers, got {', '.join(edges)}") from None
    if not (all(map(math.isfinite, (x0, y0, x1, y1))) and x0 < x1 and y0 < y1):
        raise ValueError(f"expected xmin < xmax and ymin < ymax, got {', '.join(edges)}")
    return replace(photo, box=(x0, y0, x1, y1))


def _size(sides: list[str]) -> tuple[int, int] | None:
    """The stated width and height, if any.

    Raises:
        ValueError: they are not integers.
    """
    if not all(sides):
        return None
    try:
        return int(sides[0]), int(sides[1])
    except ValueError:
        raise ValueError(f"expected an image size in pixels, got {', '.join(sides)}") from None


def voc_boxes(path: Path, photo: Photo) -> list[Photo]:
    """One input for each object of a PASCAL-VOC file.

    Args:
        path: the annotation.
        photo: its image.

    Raises:
        ValueError: the file, or a box in it, cannot be read.
    """
    try:
        top = ElementTree.parse(path).getroot()
    except (ElementTree.ParseError, OSError, ValueError) as error:
        raise ValueError(f"not readable as XML: {error}") from error
    stated = _size([top.findtext(f"size/{side}", "") for side in ("width", "height")])
    photo = replace(photo, stated=stated)
    return [
        with_box(photo, [item.findtext(f"bndbox/{edge}", "nothing") for edge in BOX_COLUMNS])
        for item in top.iter("object")
    ]
