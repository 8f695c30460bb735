"""Photographs → `images.zarr`, `items.parquet`, `rejected.csv` of a domain.

Two passes: look at every input and decide (`scan`), then write the good ones, shard by shard.
Neither holds more than a shard of pixels, either goes on where it was interrupted, and the result
does not depend on the number of workers. Every input ends in exactly one of the two tables.
"""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Iterable
from dataclasses import asdict
from itertools import groupby
from pathlib import Path

import numpy as np
import pandas as pd

from exemplar.data.classes import given_by, tell_classes, without_exchanged
from exemplar.data.crops import named
from exemplar.data.inputs import DomainError, Photo, Rejection, unique_ids
from exemplar.data.photo_settings import PairsSettings, Photos
from exemplar.data.scan import KINDS, Finding, examine, render
from exemplar.data.settings import PrepareSettings
from exemplar.data.splits import NOTHING, Needed, assign, need_enough, within_limit
from exemplar.data.workers import OrderedMap, ordered_map
from exemplar.store.files import content_hash, workplace, written
from exemplar.store.items import SPLITS, box_columns, write_items
from exemplar.store.shards import fill_group

PART = 512  # files whose findings are kept together
SHOWN = 20  # reasons printed

Good = tuple[Photo, Finding, str]  # with its split


def prepare_photographs(
    out: Path, settings: Photos, common: PrepareSettings, needed: Needed = NOTHING
) -> None:
    """Makes a domain of photographs.

    Args:
        out: the domain's folder; its three files are replaced. `rejected.csv` is written even if
            the domain fails because of it.
        settings: of the domain.
        common: of all domains.
        needed: the fewest images of each split.

    Raises:
        DomainError: the data set is not there, too many of its inputs are bad, or too few good.
    """
    listing, size = KINDS[settings.kind].inputs(settings), settings.size or common.image_size
    inputs = [
        settings.model_dump(mode="json"),
        {"size": size, "seed": common.seed},
        code_hash(),
        [asdict(photo) for photo in listing.photos],
        [
            [_stamp(settings.root / file) for file in (photo.source, photo.labels, photo.instances)]
            for photo in listing.photos
        ],
    ]
    with workplace(f"prepare/{out.name}", *inputs) as folder, ordered_map(common.workers) as each:
        findings = without_exchanged(scan(listing.photos, settings, size, folder, each))
        good, fallen = decide(listing.photos, findings, settings, common.seed)
        rejections = listing.rejections + fallen
        write_rejections(out / "rejected.csv", rejections)
        check_rejections(rejections, len(good), common.rejected_limit, out / "rejected.csv")
        need_enough(out.name, [split for *_, split in good], needed)
        tell_classes(good, settings)
        write_items(out / "items.parquet", table(good, settings))
        _write_images(out / "images.zarr", good, settings, size, each)


def code_hash() -> str:
    """Unfinished work of other code is not continued."""
    here = Path(__file__).parent
    return content_hash(*sorted([*here.rglob("*.py"), *(here.parent / "labels").rglob("*.py")]))


def _stamp(path: Path) -> list[int]:
    """What changes when a file does."""
    try:
        status = path.stat()
        return [status.st_size, status.st_mtime_ns]
    except OSError:
        return []


def scan(
    photos: list[Photo], settings: Photos, size: int, folder: Path, each: OrderedMap
) -> list[Finding]:
    """Looks at all inputs, in parallel; what an interrupted run has seen is not looked at again.

    Args:
        photos: in listing order; those of one file next to each other.
        settings: of the domain.
        size: of the images to be made.
        folder: for unfinished work.
        each: the workers.

    Returns:
        One finding for each.
    """
    files = [list(group) for _, group in groupby(photos, key=lambda photo: photo.source)]
    findings: list[Finding] = []
    for start in range(0, len(files), PART):
        path = folder / f"findings-{start:08d}.json"
        if not path.is_file():
            tasks = [(boxes, settings, size) for boxes in files[start : start + PART]]
            seen = [asdict(finding) for found in each(examine, tasks) for finding in found]
            with written(path) as partial:
                partial.write_text(json.dumps(seen))
        findings += [Finding(**values) for values in json.loads(path.read_text())]
        print(f"looked at {min(start + PART, len(files))}/{len(files)} files", file=sys.stderr)
    return findings


def decide(
    photos: list[Photo], findings: list[Finding], settings: Photos, seed: int
) -> tuple[list[Good], list[Rejection]]:
    """Which inputs are used, in which split; the rest with a reason.

    Of inputs with the same content (bytes or pixels, and box) the first is kept.

    Args:
        photos: all inputs.
        findings: one each.
        settings: of the domain.
        seed: of the division.

    Returns:
        The good ones, train before val before test; and the others.
    """
    kept: list[tuple[Photo, Finding]] = []
    rejections: list[Rejection] = []
    first: dict[tuple, str] = {}
    for photo, finding in zip(photos, findings, strict=True):
        box = f"{named(photo.box)}: " if photo.box else ""
        reason = finding.reason and (
            finding.reason if finding.reason.startswith("box") else box + finding.reason
        )
        for kind in ("bytes", "pixels"):
            content = finding.sha256 if kind == "bytes" else finding.pixels
            original = first.get((kind, content, photo.box))
            if not reason and original is not None:
                reason = f"{box}duplicate of {original} (the same {kind})"
        if reason:
            rejections.append(Rejection(photo.source, reason))
            continue
        first[("bytes", finding.sha256, photo.box)] = photo.source
        first[("pixels", finding.pixels, photo.box)] = photo.source
        kept.append((photo, finding))
    if not kept:
        return [], rejections
    contents = [finding.sha256 for _, finding in kept]
    splits = assign(contents, [photo.split for photo, _ in kept], settings.splits, seed)
    keep = within_limit(contents, splits, settings.limit, seed)
    good = [(*pair, split) for pair, split, k in zip(kept, splits, keep, strict=True) if k]
    good.sort(key=lambda entry: SPLITS.index(entry[2]))  # stable: listing order within a split
    for (photo, _), split, wanted in zip(kept, splits, keep, strict=True):
        if not wanted:
            reason = f"left out: {split} has as many as its limit asks for"
            rejections.append(Rejection(photo.source, reason, bad=False))
    return good, rejections


def write_rejections(path: Path, rejections: Iterable[Rejection]) -> None:
    """Writes `rejected.csv`, sorted."""
    rows = sorted((rejection.source, rejection.reason) for rejection in rejections)
    with written(path) as partial, partial.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(("source", "reason"))
        table.writerows(rows)


def check_rejections(rejections: list[Rejection], good: int, limit: float, path: Path) -> None:
    """Tells what was rejected.

    Args:
        rejections: all of them.
        good: how many inputs are used.
        limit: the share of inputs that may be bad; what was left out by choice does not count.
        path: where the full list is.

    Raises:
        DomainError: more are bad, or none is good.
    """
    bad = sorted((r.source, r.reason) for r in rejections if r.bad)
    left_out = len(rejections) - len(bad)
    lines = [f"  {source}: {reason}" for source, reason in bad[:SHOWN]]
    if len(bad) > SHOWN:
        lines.append(f"  and {len(bad) - SHOWN} more")
    total = len(bad) + good
    summary = f"{good} images, {len(bad)} of {total} inputs rejected"
    summary += f", {left_out} left out" if left_out else ""
    report = "\n".join([f"{path.parent}: {summary}; all of them in {path}", *lines])
    if good == 0:
        raise DomainError(f"{report}\nno input can be used")
    if len(bad) > limit * total:
        raise DomainError(
            f"{report}\nthat is more than prepare.rejected_limit, {limit:.0%}: mend or remove "
            "these files, or raise the limit in params.yaml"
        )
    print(report, file=sys.stderr)


def table(good: list[Good], settings: Photos) -> pd.DataFrame:
    """The rows of `items.parquet`.

    `source` is relative to the domain's root, `sha256` is the whole file's, `width` and `height`
    are those of the region an image was made from, before resizing. Of side-by-side files, `labels`
    is the same file as `path`.
    """
    below = KINDS[settings.kind].BELOW
    halved = isinstance(settings, PairsSettings) and settings.condition == "labels"
    return pd.DataFrame(
        {
            "id": unique_ids((photo for photo, _, _ in good), below),
            "split": [split for _, _, split in good],
            "category": [photo.category for photo, _, _ in good],
            "source": [photo.source for photo, _, _ in good],
            "sha256": [finding.sha256 for _, finding, _ in good],
            "licence": settings.licence,
            "width": [finding.width for _, finding, _ in good],
            "height": [finding.height for _, finding, _ in good],
            "path": [photo.source for photo, _, _ in good],
            "labels": [photo.source if halved else photo.labels for photo, _, _ in good],
            "masked": [photo.masked for photo, _, _ in good],
            **box_columns([finding.box for _, finding, _ in good]),
        }
    )


def _write_images(
    path: Path, good: list[Good], settings: Photos, size: int, each: OrderedMap
) -> None:
    """The second pass."""
    given = given_by(settings)
    arrays: dict[str, tuple[tuple[int, ...], str]] = {"image": ((size, size, 3), "uint8")}
    arrays |= {name: ((size, size), dtype) for name, dtype in given.arrays.items()}
    inputs = [
        settings.model_dump(mode="json"),
        code_hash(),
        [[asdict(photo), finding.sha256, finding.given] for photo, finding, _ in good],
    ]

    def produce(part: slice) -> dict[str, np.ndarray]:
        tasks = [(photo, finding, settings, size) for photo, finding, _ in good[part]]
        made = list(each(render, tasks))
        return {name: np.stack([picture.arrays[name] for picture in made]) for name in arrays}

    code = ("exemplar/data", "exemplar/labels")
    fill_group(path, arrays, len(good), produce, given.attributes, inputs, sources=code)
