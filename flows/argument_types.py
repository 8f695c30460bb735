"""What arguments of the command line may be: files that are read, numbers, backbones."""

from __future__ import annotations

import argparse
from pathlib import Path


def named_file(text: str) -> Path:
    """A file or folder that is to be read, in whichever Unicode form its name was typed."""
    from exemplar.data.pictures import spelled  # brings what reads images

    return spelled(Path(text))


def word_or_file(text: str) -> str:
    """A word, or a file that is to be read."""
    found = named_file(text)
    return text if found == Path(text) else str(found)


def count(text: str) -> int:
    """A whole number from 1."""
    if not (text.isascii() and text.isdigit()) or int(text) < 1:
        raise argparse.ArgumentTypeError(f"expected a whole number of at least 1, got {text!r}")
    return int(text)


def minutes(text: str) -> float:
    """A number from 0 to that of a year."""
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 525_600:
        raise argparse.ArgumentTypeError(f"expected minutes, a number from 0, got {text!r}")
    return value


def seed(text: str) -> int:
    """A whole number of 32 bits, which all that draws by it takes."""
    if not (text.isascii() and text.isdigit()) or int(text) >= 2**32:
        raise argparse.ArgumentTypeError(
            f"expected a whole number, from 0 and below 4294967296, got {text!r}"
        )
    return int(text)


def backbone(text: str) -> dict[str, str]:
    """The settings of a backbone: its kind, and perhaps its weights."""
    kind, _, weights = text.partition(":")
    whole = ("estimator", "efficientnet_lite2")  # that have their weights
    kinds = (*whole, "vgg19_small", "vgg19_normalised", "torchvision")
    if kind not in kinds or (kind in whole and weights):
        raise argparse.ArgumentTypeError(
            f"expected one of {', '.join(kinds)}, all but the first two with :FILE, got {text!r}"
        )
    if kind.startswith("vgg19") and not weights:
        raise argparse.ArgumentTypeError(f"{kind} needs its weights: {kind}:FILE")
    named = {"name": "vgg19"} if kind == "torchvision" else {}
    return {"kind": kind, **named, **({"weights": word_or_file(weights)} if weights else {})}
