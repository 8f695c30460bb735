"""Tables of users as text: CSV files with a line of column names, and what is wrong with them."""

from __future__ import annotations

import csv
from pathlib import Path

import pandas as pd

from exemplar.data.problems import Problems


def read_table(
    path: Path, needed: tuple[str, ...], optional: tuple[str, ...], problems: Problems
) -> pd.DataFrame | None:
    """Reads a CSV file with a line of column names, cells as text.

    Args:
        path: the file.
        needed: columns that must be there.
        optional: columns that may.
        problems: gets a line if it cannot be used, and one for rows of another length.

    Returns:
        The rows that are as long as the first, at least one, by the lines on which they end; none
        if the file cannot be used.
    """
    rows = _rows(path, problems)
    if rows is None:
        return None
    _, names = rows.pop(0)
    missing = [name for name in needed if name not in names]
    unknown = [name for name in names if name not in needed + optional]
    twice = sorted({name for name in names if names.count(name) > 1})
    if missing or unknown or twice or not rows:
        wrong = [f"no column {', '.join(missing)}"] * bool(missing)
        wrong += [f"unknown columns {', '.join(unknown)}"] * bool(unknown)
        wrong += [f"more than one column {', '.join(twice)}"] * bool(twice)
        wrong += ["no row"] * (not rows)
        problems.append(
            f"{path}: {'; '.join(wrong)}; expected the columns {', '.join(needed)} and perhaps "
            f"{', '.join(optional)}, and a row for each"
        )
        return None
    other = [f"{line} ({len(cells)})" for line, cells in rows if len(cells) != len(names)]
    if other:
        problems.append(
            f"{path}: expected {len(names)} cells in every row, as many as columns; mend line "
            f"{', '.join(other)}"
        )
    fitting = {line: cells for line, cells in rows if len(cells) == len(names)}
    if not fitting:
        return None
    return pd.DataFrame.from_dict(fitting, orient="index", columns=pd.Index(names), dtype=str)


def _rows(path: Path, problems: Problems) -> list[tuple[int, list[str]]] | None:
    """The cells of a CSV file's rows by their lines, without empty lines; the first one's too."""
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.reader(file, skipinitialspace=True, strict=True)
            rows = [(reader.line_num, [cell.strip() for cell in cells]) for cells in reader]
    except FileNotFoundError:
        problems.append(f"{path}: no such file")
        return None
    except (ValueError, OSError, csv.Error) as error:  # text that is not UTF-8 is a ValueError
        problems.append(f"{path}: not a readable CSV file ({error})")
        return None
    rows = [(line, cells) for line, cells in rows if cells not in ([], [""])]
    if not rows:
        problems.append(f"{path}: not a readable CSV file (it is empty)")
        return None
    return rows
