"""The files of a folder of label maps: each is a map, or is named as none.

First in the way of maps that come in folders.
"""

from __future__ import annotations

from pathlib import Path

from exemplar.data.pictures import SUFFIXES
from exemplar.labels.known import listed


def divided(folder: Path) -> tuple[list[Path], list[str]]:
    """The images of a folder, and the names of what else lies there.

    Args:
        folder: whose own files are meant, not those of folders within it.

    Returns:
        Images, sorted by name; and names of hidden files, of other kinds and of folders, sorted.
    """
    images, others = [], []
    for path in sorted(folder.iterdir()):
        hidden = path.name.startswith(".")
        if path.is_file() and not hidden and path.suffix.lower() in SUFFIXES:
            images.append(path)
        else:
            others.append(path.name + ("/" if path.is_dir() else ""))
    return images, others


def said_of_others(path: Path) -> list[str]:
    """What a user should know of a folder whose files are not all images; of a file nothing."""
    if not path.is_dir():
        return []
    others = divided(path)[1]
    return [f"note: {path}: left out, as no images: {listed(others)}"] if others else []
