"""Which photographs are for training, and which are held out."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from exemplar.data.inputs import DomainError
from exemplar.data.photo_settings import Limit, Splits
from exemplar.store.items import NEEDED, SPLITS

Needed = Mapping[str, int]
NOTHING: Needed = {}


def rank(seed: int, content: str) -> bytes:
    """A photograph's place in an order that depends on nothing but the seed and its content."""
    return hashlib.blake2b(f"{seed}/{content}".encode(), digest_size=16).digest()


def assign(contents: Sequence[str], fixed: Sequence[str], splits: Splits, seed: int) -> list[str]:
    """Divides photographs; images from one file always share a split.

    A split that the layout itself fills (`fixed`) takes no others; the rest is divided by rank or,
    for `by: order`, so that the last ones are held out: test at the very end, val before it.

    Args:
        contents: each image's file, by hash, in the domain's order.
        fixed: each image's given split, or empty.
        splits: how many to hold out.
        seed: of the order.

    Returns:
        train, val or test for each image.

    Raises:
        DomainError: nothing would be left to train on.
    """
    given = {content: split for content, split in zip(contents, fixed, strict=True) if split}
    pool = [content for content in dict.fromkeys(contents) if content not in given]
    pool = pool[::-1] if splits.by == "order" else sorted(pool, key=lambda c: rank(seed, c))
    chosen, start = dict(given), 0
    for split, part in (("test", splits.test), ("val", splits.val)):
        if split in given.values():
            continue
        count = _count(part, len(pool))
        chosen |= dict.fromkeys(pool[start : start + count], split)
        start += count
    if start >= len(pool) and "train" not in given.values():
        raise DomainError(
            f"splits hold out val {splits.val} and test {splits.test} of {len(pool)} photographs, "
            "so that none is left to train on; lower them in params.yaml or add photographs "
            f"({sum(NEEDED.values())} are enough for all stages by the default splits)"
        )
    return [chosen.get(content, "train") for content in contents]


def _count(part: int | float, total: int) -> int:
    """A share is rounded, and is at least one photograph."""
    if isinstance(part, int):
        return part
    return max(1, round(part * total)) if part else 0


def within_limit(
    contents: Sequence[str], splits: Sequence[str], limit: Limit, seed: int
) -> list[bool]:
    """Which images are kept when only some of each split are wanted: the first by rank.

    Args:
        contents: each image's file, by hash.
        splits: from `assign`.
        limit: the most of each split.
        seed: of the order.
    """
    keep = [True] * len(contents)
    for split in SPLITS:
        most = getattr(limit, split)
        if most is None:
            continue
        rows = [row for row, name in enumerate(splits) if name == split]
        rows.sort(key=lambda row: (rank(seed, contents[row]), row))
        for row in rows[most:]:
            keep[row] = False
    return keep


def missing(splits: Iterable[str], needed: Needed = NEEDED) -> str:
    """What there is too little of, such as `train has 5 of at least 11`; empty if there is enough.

    Args:
        splits: each image's.
        needed: the fewest of each split.
    """
    count = Counter(splits)
    if all(count[split] >= least for split, least in needed.items()):
        return ""
    return ", ".join(f"{s} has {count[s]} of at least {least}" for s, least in needed.items())


def remedy(domain: str) -> str:
    """What to do where splits have too few images: the settings that decide how many they have."""
    return (
        f"add photographs ({sum(NEEDED.values())} are enough by the default splits), or change "
        f"`splits`, `limit`, or the counts of domains.{domain} in params.yaml"
    )


def need_enough(domain: str, splits: Iterable[str], needed: Needed) -> None:
    """Checks that every split has as many images as what comes after needs.

    Raises:
        DomainError: one has fewer; all are named.
    """
    if short := missing(splits, needed):
        raise DomainError(f"{domain}: too few images: {short}; {remedy(domain)}")
