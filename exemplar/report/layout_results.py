"""What a user gets of an image in other layouts: images, sources, label maps, sheets, a summary.

The command line fills a folder here, and makes it visible once it is whole.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from PIL import Image

from exemplar.labels.palette import Palette, label_image, write_palette
from exemplar.methods.semantic_analogy.requests import Given
from exemplar.methods.semantic_analogy.source import Layout
from exemplar.methods.semantic_analogy.targets import Target
from exemplar.report.analogy_pictures import (
    fitted,
    flow_picture,
    identity_field,
    placed_picture,
)
from exemplar.report.attribution import copied
from exemplar.report.pictures import contact_sheet, tinted
from exemplar.report.tiles import smaller

LABELS, PALETTE, OVERLAY, RECORD = "labels.png", "palette.csv", "labels-overlay.png", "source.json"
SOURCE_FILES = frozenset([LABELS, PALETTE, OVERLAY, RECORD])
"""What is written of the source."""

IMAGE, SHEET, SUMMARY = "image.png", "contact-sheet.png", "summary.json"
CORRESPONDENCES, ATTRIBUTION, SOURCES = "correspondences.png", "attribution.csv", "sources.npz"
FILES = frozenset([IMAGE, LABELS, SHEET, SUMMARY])
"""What is written of each target."""
TRACED = frozenset([CORRESPONDENCES, ATTRIBUTION, SOURCES])
"""And of a method that says where its pixels come from."""

PREVIEWS, PREVIEW_RECORD = "preview", "preview.json"
COLUMNS = 4  # of a preview
PREVIEWED = 256  # pixels of a preview's images, at most; small ones are enlarged
CAPTION = 16  # letters of a name that fit below a preview

CODE = (
    "exemplar/data", "exemplar/estimators.py", "exemplar/features", "exemplar/labels",
    "exemplar/matching", "exemplar/methods/semantic_analogy", "exemplar/metrics",
    "exemplar/patches", "exemplar/report", "exemplar/store", "exemplar/training",
    "exemplar/settings.py",
)  # fmt: skip
"""What the files depend on beside images and settings."""


def write_source(folder: Path, given: Given, facts: dict[str, Any]) -> None:
    """Writes how the source's labels were read: a map to be edited, its classes, an overlay.

    Args:
        folder: exists and is empty.
        given: what was asked for.
        facts: what else the record is to say.
    """
    _save_labels(folder / LABELS, given.labels, given.palette)
    write_palette(folder / PALETTE, given.palette, given.labels)
    _save(folder / OVERLAY, overlay(given.picture.image, given.labels, given.palette))
    record = {"source": _source(given), "classes": list(given.palette.names), **facts}
    _save_json(folder / RECORD, record)


def write_target(
    folder: Path, given: Given, target: Target, made: Layout, facts: dict[str, Any]
) -> None:
    """Writes everything that is known of one target.

    Args:
        folder: exists and is empty.
        given: what was asked for.
        target: its layout.
        made: the image in that layout.
        facts: what else the summary is to say.
    """
    image, names = given.picture.image, given.palette.names
    _save(folder / IMAGE, made.image)
    _save_labels(folder / LABELS, target.labels, given.palette)
    tiles = {
        "source": image,
        "its labels": given.palette.colours[given.labels],
        "target labels": given.palette.colours[target.labels],
        "result": made.image,
    }
    _save(folder / SHEET, contact_sheet([fitted(each) for each in tiles.values()], list(tiles), 2))
    if made.places is not None:
        _trace(folder, given, target, made)
    pixels = np.bincount(target.labels.ravel(), minlength=len(names))
    summary = {
        "source": _source(given),
        "target": {"made_from": target.made_from, **_extent(target.labels)},
        "result": _extent(made.image),
        "shares": dict(zip(names, np.round(pixels / pixels.sum(), 4).tolist(), strict=True)),
        **facts,
    }
    _save_json(folder / SUMMARY, summary)


def overlay(
    image: NDArray[np.uint8], labels: NDArray[np.uint8], palette: Palette
) -> NDArray[np.uint8]:
    """An image washed in the colours of its labels, and the classes' names below.

    Args:
        image: (H, W, 3) u8.
        labels: (H, W) u8.
        palette: the classes.

    Returns:
        u8: the picture, and a swatch with its name for each class.
    """
    shown = fitted(tinted(image, palette.colours[labels]))
    side = max(48, shown.shape[1] // 8)
    swatches = [np.full((side // 2, side, 3), colour, np.uint8) for colour in palette.colours]
    legend = contact_sheet(swatches, [name[:14] for name in palette.names], 6)
    width = max(shown.shape[1], legend.shape[1])
    rows = [
        np.pad(part, ((0, 0), (0, width - part.shape[1]), (0, 0)), constant_values=255)
        for part in (shown, legend)
    ]
    return np.concatenate(rows)


def preview(images: NDArray[np.uint8], names: Sequence[str]) -> NDArray[np.uint8]:
    """What a training makes of the targets so far, on one sheet.

    Args:
        images: (M, H, W, 3) u8.
        names: of the targets.

    Returns:
        u8, the sheet.
    """
    shown = [smaller(fitted(image), PREVIEWED) for image in images]
    return contact_sheet(shown, [name[:CAPTION] for name in names], COLUMNS)


def _trace(folder: Path, given: Given, target: Target, made: Layout) -> None:
    """Where each pixel comes from: for programs, as a table by class, and as a picture."""
    assert made.places is not None
    source = np.concatenate([np.zeros_like(made.places[..., :1]), made.places], axis=-1)
    ids = np.array([given.picture.source])
    np.savez_compressed(folder / SOURCES, source=source, votes=np.array(made.votes), ids=ids)
    size = given.labels.shape[0], given.labels.shape[1]
    used = copied(made.places, made.votes, size)
    matched = given.labels[made.places[..., 0], made.places[..., 1]]
    rows = []
    for place, name in enumerate(given.palette.names):
        own, here = given.labels == place, target.labels == place
        rows.append(
            {
                "id": given.picture.source,
                "class": name,
                "share": here.mean(),
                "same_class": (matched[here] == place).mean() if here.any() else 0.0,
                "used": used[own].mean() if own.any() else 0.0,
                "licence": given.picture.licence,
            }
        )
    pd.DataFrame(rows).to_csv(folder / ATTRIBUTION, index=False, float_format="%.6f")
    tiles = {
        "source by place": placed_picture(given.picture.image, identity_field(size), size),
        "result by place in source": placed_picture(made.image, made.places, size),
        "displacement": flow_picture(made.places, size),
        "used of the source": tinted(
            given.picture.image, np.where(used[..., None], (86, 180, 233), (150, 150, 150))
        ),
    }
    sheet = contact_sheet([fitted(tile) for tile in tiles.values()], list(tiles), 2)
    _save(folder / CORRESPONDENCES, sheet)


def _source(given: Given) -> dict[str, Any]:
    picture = given.picture
    known = {"source": picture.source, "sha256": picture.sha256, "licence": picture.licence}
    return {**known, **_extent(picture.image)}


def _extent(image: NDArray[np.uint8]) -> dict[str, int]:
    return {"width": image.shape[1], "height": image.shape[0]}


def _save(path: Path, image: NDArray[np.uint8]) -> None:
    Image.fromarray(image).save(path, format="PNG")


def _save_labels(path: Path, labels: NDArray[np.uint8], palette: Palette) -> None:
    label_image(labels, palette).save(path, format="PNG")


def _save_json(path: Path, facts: dict[str, Any]) -> None:
    path.write_text(json.dumps(facts, indent=2, ensure_ascii=False) + "\n")
