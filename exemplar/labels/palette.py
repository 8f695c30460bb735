"""The classes of a run: how they are called, which colour or number stands for each in a map.

Second in its way of the data: `label_maps` makes a palette of the source's label map, reads the
targets by it, and the palette is written out for the user to name classes and draw more maps.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from PIL import Image

from exemplar.data.colours import PRESETS
from exemplar.data.pictures import file_bytes
from exemplar.data.problems import Problems
from exemplar.data.text_tables import read_table
from exemplar.labels.colours import Colour, colour_of, hexadecimal, packed

COLUMNS = ("name", "colour", "id", "pixels", "share")
PLACES = 256  # of a palette image


class Palette(NamedTuple):
    """Classes in the order of their places.

    Attributes:
        names: of each.
        colours: (C, 3) u8, one unlike the other.
        ids: the numbers that stand for them in maps of numbers; none if there are none.
        coloured: the colours are those of the source's map; otherwise they are only shown.
    """

    names: tuple[str, ...]
    colours: NDArray[np.uint8]
    ids: tuple[int, ...] | None = None
    coloured: bool = True


class Entry(NamedTuple):
    """A class that a user has named, by its colour or its number in a map.

    Attributes:
        name: of the class.
        colour: of its pixels, if that is given.
        id: of its pixels, if that is given.
    """

    name: str
    colour: Colour | None
    id: int | None


def place_of(text: str, palette: Palette) -> int | None:
    """The place of a class that a user names.

    Args:
        text: its name, in any case, its colour `#rrggbb`, or its number.
        palette: the classes.

    Returns:
        The place, none if no class is called so; a name goes before a number.
    """
    names = [name.casefold() for name in palette.names]
    if text.casefold() in names:
        return names.index(text.casefold())
    colour = colour_of(text)
    if colour is not None:
        found = np.flatnonzero(packed(palette.colours) == packed(np.array(colour)))
        return int(found[0]) if len(found) else None
    ids = palette.ids if palette.ids is not None else tuple(range(len(names)))
    return ids.index(int(text)) if text.isdigit() and int(text) in ids else None


def listed(palette: Palette) -> str:
    """The classes for a message: names, and what else they may be called."""
    others = [hexadecimal(colour) for colour in palette.colours]
    if not palette.coloured and palette.ids is not None:
        others = [str(number) for number in palette.ids]
    return ", ".join(
        name if name == other else f"{name} ({other})"
        for name, other in zip(palette.names, others, strict=True)
    )


def read_entries(given: str, problems: Problems) -> list[Entry]:
    """Reads what a user calls classes.

    Args:
        given: a CSV file with columns `name` and `colour` or `id`, as `write_palette` makes it; a
            JSON file of names → `#rrggbb` or numbers; or the name of a preset, `facades`.
        problems: gets a line for all that is wrong.

    Returns:
        The classes that could be read.
    """
    if given in PRESETS and not Path(given).exists():
        return [Entry(name, colour, None) for name, colour in PRESETS[given].items()]
    path = Path(given)
    if path.suffix.lower() == ".json":
        rows = _of_json(path, problems)
    else:
        table = read_table(path, ("name",), COLUMNS[1:], problems)
        rows = [] if table is None else table.to_dict("records")
    entries = []
    for number, row in enumerate(rows, start=1):
        name, colour = str(row["name"]), str(row.get("colour", ""))
        number_given = str(row.get("id", ""))
        if not name or (not colour and not number_given):
            problems.append(f"{path}, class {number}: expected a name, and a colour or an id")
        elif colour and colour_of(colour) is None:
            problems.append(f"{path}, class {name}: expected a colour as #rrggbb, got {colour!r}")
        elif number_given and not number_given.isdigit():
            problems.append(f"{path}, class {name}: expected a whole number, got {number_given!r}")
        else:
            entries.append(
                Entry(name, colour_of(colour), int(number_given) if number_given else None)
            )
    names = [entry.name.casefold() for entry in entries]
    twice = sorted({entry.name for entry in entries if names.count(entry.name.casefold()) > 1})
    if twice:
        problems.append(
            f"{path}: more than one class is called {', '.join(twice)}; name them apart"
        )
    return entries


def _of_json(path: Path, problems: Problems) -> list[dict[str, str]]:
    """The rows of a JSON file of names → colours or numbers."""
    data = file_bytes(path, problems, "a JSON file of class names")
    if data is None:
        return []
    try:
        found = json.loads(data)
    except ValueError as error:
        problems.append(f"{path}: not a readable JSON file ({error})")
        return []
    if not isinstance(found, dict) or not found:
        problems.append(f'{path}: expected names and colours, such as {{"sky": "#80b0ff"}}')
        return []
    return [
        {"name": name, "id" if isinstance(value, int) else "colour": str(value)}
        for name, value in found.items()
    ]


def write_palette(path: Path, palette: Palette, labels: NDArray[np.uint8]) -> None:
    """Writes the classes as CSV: `COLUMNS`, a row each.

    Args:
        path: a file to be written.
        palette: the classes.
        labels: (H, W) places, whose pixels are counted.
    """
    pixels = np.bincount(labels.ravel(), minlength=len(palette.names))
    numbers = palette.ids if palette.ids is not None else range(len(palette.names))
    columns = (
        palette.names,
        [hexadecimal(colour) for colour in palette.colours],
        list(numbers),
        pixels,
        pixels / labels.size,
    )
    table = pd.DataFrame(dict(zip(COLUMNS, columns, strict=True)))
    table.to_csv(path, index=False, float_format="%.6f")


def label_image(labels: NDArray[np.uint8], palette: Palette) -> Image.Image:
    """A label map that paint programs open and `label_maps` reads again.

    Args:
        labels: (H, W) places.
        palette: the classes.

    Returns:
        A palette image. A pixel's number is the class's own where a palette has room for it,
        otherwise its place.
    """
    count = len(palette.names)
    ids = palette.ids
    numbers = ids if ids is not None and max(ids) < PLACES else tuple(range(count))
    image = Image.fromarray(np.asarray(numbers, np.uint8)[labels])
    table = np.zeros((max(numbers) + 1, 3), np.uint8)
    table[list(numbers)] = palette.colours
    image.putpalette(table.tobytes())
    return image
