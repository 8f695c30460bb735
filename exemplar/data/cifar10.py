"""Kind `cifar10`: CIFAR-10 from its binary files.

Six files of 10,000 records: a byte that is the label, then 32×32 bytes of red, of green and of
blue. Source: Krizhevsky, Learning Multiple Layers of Features from Tiny Images, 2009. Its Python
version is not read: it would have to be unpickled.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from exemplar.data.download import PAGES, fetch
from exemplar.data.image_set_settings import Cifar10Settings
from exemplar.data.inputs import BadPhoto, DomainError, Stack, need_root, told

LAYOUTS = ("cifar-10-batches-bin", ".")
FILES = (*(f"data_batch_{number}.bin" for number in range(1, 6)), "test_batch.bin")
RECORDS = 10_000  # of a file
SIDE = 32
CLASSES = (
    "airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck",
)  # fmt: skip


def stacks(settings: Cifar10Settings) -> list[Stack]:
    """The five training files and the test file.

    Raises:
        DomainError: files are missing or damaged; all problems of all files together.
    """
    root = settings.root
    if settings.download and not any((root / below / FILES[0]).is_file() for below in LAYOUTS):
        fetch("cifar10", root)
    how = f"Get the binary version of CIFAR-10 from {PAGES['cifar10']}, or set download: true"
    folder = need_root(root, "CIFAR-10's binary files", how, *LAYOUTS)
    problems: list[str] = []
    made = []
    for number, name in enumerate(FILES):
        path = folder / name
        try:
            images, labels = read_records(path)
        except BadPhoto as error:
            problems.append(f"{path.relative_to(root).as_posix()}: {error}")
            continue
        split = "test" if name.startswith("test") else "train"
        first = 0 if split == "test" else number * RECORDS
        made.append(Stack(split, split, path.relative_to(root).as_posix(), images, labels, first))
    if problems:
        raise DomainError(told(root, problems, f"{how}, or set another root in params.yaml"))
    return made


def names(settings: Cifar10Settings) -> tuple[str, ...]:
    """The name of each label."""
    return CLASSES


def read_records(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Reads one binary file.

    Args:
        path: of 10,000 records.

    Returns:
        Images (N, 32, 32, 3) u8 and labels (N,) u8 below 10.

    Raises:
        BadPhoto: there is no such file, it is shorter or longer, or a label is none.
    """
    length = 1 + 3 * SIDE * SIDE
    try:
        found = path.stat().st_size
        if found != RECORDS * length:
            state = "cut short" if found < RECORDS * length else "too long"
            raise BadPhoto(f"{state}: expected {RECORDS * length:,} bytes, found {found:,}")
        records = np.fromfile(path, np.uint8).reshape(RECORDS, length)
    except OSError as error:
        raise BadPhoto(f"cannot be read: {error.strerror}") from error
    labels, planes = records[:, 0], records[:, 1:].reshape(RECORDS, 3, SIDE, SIDE)
    if wrong := np.unique(labels[labels >= len(CLASSES)])[:10].tolist():
        raise BadPhoto(
            f"expected labels 0 to {len(CLASSES) - 1} at the beginning of each {length:,} bytes, "
            f"but some are {', '.join(map(str, wrong))}; is it a file of CIFAR-100, or damaged?"
        )
    return np.moveaxis(planes, 1, -1), labels
