"""What a user gets of a pair: images, fields, what was carried, where pixels come from, a summary.

The command line and the gallery write the same files; a folder is filled here, and made visible
by whoever asked for it once it is whole.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from PIL import Image

from exemplar.data.pictures import Picture, doubts
from exemplar.labels.colours import label_palette
from exemplar.methods.deep_analogy.analogy import Analogy
from exemplar.methods.deep_analogy.inputs import LARGEST, Points
from exemplar.methods.deep_analogy.refinement import refined
from exemplar.methods.deep_analogy.requests import REFINED, Given, Mode
from exemplar.methods.deep_analogy.settings import AnalogySettings
from exemplar.methods.deep_analogy.transfer import carried_labels, carried_points
from exemplar.metrics.cycle import cycle_error
from exemplar.report.analogy_pictures import correspondence_sheet, fitted
from exemplar.report.attribution import copied
from exemplar.report.pictures import contact_sheet
from exemplar.store.flow import flow_of, write_flow

A_PRIME, B = "a-prime.png", "b.png"
REFINED_A_PRIME, REFINED_B = "a-prime-refined.png", "b-refined.png"
FORWARD, BACKWARD, FIELDS = "forward.flo", "backward.flo", "fields.npz"
CORRESPONDENCES, SHEET = "correspondences.png", "contact-sheet.png"
ATTRIBUTION, SOURCES, SUMMARY = "attribution.csv", "sources.npz", "summary.json"
LABELS, KEYPOINTS = "labels-b.png", "keypoints.csv"
FILES = (
    A_PRIME, B, REFINED_A_PRIME, REFINED_B, FORWARD, BACKWARD, FIELDS, CORRESPONDENCES, SHEET,
    ATTRIBUTION, SOURCES, LABELS, KEYPOINTS, SUMMARY,
)  # fmt: skip
"""All that a folder may have, the summary last."""

CODE = (
    "exemplar/correspondence.py", "exemplar/data", "exemplar/estimators.py", "exemplar/features",
    "exemplar/labels", "exemplar/matching", "exemplar/methods/deep_analogy", "exemplar/metrics",
    "exemplar/report", "exemplar/store", "exemplar/training", "exemplar/settings.py",
)  # fmt: skip
"""What the files depend on beside images and settings."""


def names_of(mode: Mode, labels: bool, points: bool) -> frozenset[str]:
    """The files of a pair of some mode, with labels and points of A or without."""
    absent = {REFINED_A_PRIME, REFINED_B} if mode not in REFINED else set()
    absent |= {LABELS} if not labels else set()
    absent |= {KEYPOINTS} if not points else set()
    return frozenset(FILES) - absent


def write_results(
    folder: Path, given: Given, made: Analogy, settings: AnalogySettings, facts: dict[str, Any]
) -> None:
    """Writes everything that is known of a pair.

    Args:
        folder: exists and is empty.
        given: what was matched.
        made: what was found.
        settings: that it was found by.
        facts: what else the summary is to say.
    """
    a, b_prime = given.a.image, given.b_prime.image
    pictures = {"A": a, "B'": b_prime, "A'": made.a_prime, "B": made.b}
    _save(folder / A_PRIME, made.a_prime)
    _save(folder / B, made.b)
    if given.mode in REFINED:
        pictures["A' refined"] = refined(a, made.a_prime)
        pictures["B refined"] = refined(b_prime, made.b)
        _save(folder / REFINED_A_PRIME, pictures["A' refined"])
        _save(folder / REFINED_B, pictures["B refined"])
    sheet = contact_sheet([fitted(each) for each in pictures.values()], list(pictures), 2)
    _save(folder / SHEET, sheet)
    write_flow(folder / FORWARD, flow_of(made.forward))
    write_flow(folder / BACKWARD, flow_of(made.backward))
    np.savez_compressed(folder / FIELDS, forward=made.forward, backward=made.backward)
    said, points = _carry(folder, given, made)
    _save(
        folder / CORRESPONDENCES,
        correspondence_sheet(a, b_prime, made.forward, made.backward, points),
    )
    _attribute(folder, given, made, settings.final_patch // 2)
    summary = {
        "a": _described(given.a),
        "b_prime": _described(given.b_prime),
        "mode": given.mode,
        "matched_at": {
            name: {"width": size[1], "height": size[0]}
            for name, size in zip(("a", "b_prime"), made.working, strict=True)
        },
        "mirrored": made.mirrored,
        "warnings": warnings(given, made),
        "cycle_error": round(cycle_error(made.forward, made.backward), 4),
        **said,
        "settings": _settings(settings),
        **facts,
    }
    (folder / SUMMARY).write_text(json.dumps(summary, indent=2, ensure_ascii=False) + "\n")


def warnings(given: Given, made: Analogy) -> list[str]:
    """What a user should know before trusting the result, in sentences."""
    told = []
    for name, picture, size in zip(
        ("A", "B′"), (given.a, given.b_prime), made.working, strict=True
    ):
        height, width = picture.image.shape[:2]
        if size != (height, width):
            matched, field = (
                ("matched", "enlarged") if size[0] * size[1] < height * width
                else ("enlarged and matched", "made smaller")
            )  # fmt: skip
            told.append(
                f"{name} ({picture.source}) has {width}×{height} pixels and was {matched} at "
                f"{size[1]}×{size[0]}; its field was {field} to its own size"
            )
        told += doubts(name, picture)
    if made.mirrored:
        told.append(
            f"B′ ({given.b_prime.source}) was matched in a mirror; fields and sources are in the "
            "pixels of B′ as it is"
        )
    return told


def _carry(
    folder: Path, given: Given, made: Analogy
) -> tuple[dict[str, Any], list[NDArray[np.float64]] | None]:
    """Labels and points of A in B′: writes them; what the summary says, and the points."""
    said: dict[str, Any] = {}
    # Neighbours' matches move along with them where B′ was seen as it was matched.
    forward, backward = made.as_matched()
    if given.labels is not None:
        carried = carried_labels(given.labels, backward)
        back = carried_labels(carried, forward)
        said["labels_that_come_back"] = round(float((back == given.labels).mean()), 4)
        carried = carried[:, ::-1] if made.mirrored else carried
        _label_map(carried).save(folder / LABELS, format="PNG")
    if given.points is None:
        return said, None
    here = given.points.places
    there = carried_points(here, forward, _size(given.b_prime))
    home = carried_points(there, backward, _size(given.a))
    if made.mirrored:
        there[:, 1] = _size(given.b_prime)[1] - 1 - there[:, 1]
    _points_table(given.points, there, np.hypot(*(home - here).T)).to_csv(
        folder / KEYPOINTS, index=False, float_format="%.2f"
    )
    return said, [here, there]


def _points_table(points: Points, there: NDArray[np.float64], astray: NDArray) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "name": points.names,
            "x": points.places[:, 1],
            "y": points.places[:, 0],
            "x_b": there[:, 1],
            "y_b": there[:, 0],
            "cycle_error": astray,
        }
    )


def _label_map(labels: NDArray[np.int64]) -> Image.Image:
    """Labels as an image: of 8 bits with colours to see them by, or of 16."""
    assert labels.max() <= LARGEST
    if labels.max() > 255:
        return Image.fromarray(labels.astype(np.uint16))
    image = Image.fromarray(labels.astype(np.uint8))
    image.putpalette(label_palette().tobytes())
    return image


def _attribute(folder: Path, given: Given, made: Analogy, votes: int) -> None:
    """Where the pixels of both results come from, pixel by pixel and summed up."""
    matched = made.as_matched()
    sides = {
        "a_prime": (A_PRIME, REFINED_A_PRIME, made.forward, given.a, given.b_prime),
        "b": (B, REFINED_B, made.backward, given.b_prime, given.a),
    }
    sources, rows = {}, []
    for number, (name, (file, refined_file, field, own, other)) in enumerate(sides.items()):
        row = np.full_like(field[..., :1], 1 - number)
        sources[name] = np.concatenate([row, field], axis=-1)
        used = {"used": float(copied(matched[number], votes, _size(other)).mean())}
        rows.append({"picture": file, "part": "pixels", **_known(other), "share": 1.0, **used})
        if given.mode in REFINED:
            colours = {"picture": refined_file, "part": "colours", **_known(other), "share": 1.0}
            detail = {"picture": refined_file, "part": "detail", **_known(own), "share": 1.0}
            rows += [colours | used, detail | {"used": 1.0}]
    ids = np.array([given.a.source, given.b_prime.source])
    # In a mirror the copy of the pixel to the right lies to the left.
    sources |= {"votes": np.array(votes), "mirrored": np.array(made.mirrored), "ids": ids}
    np.savez_compressed(folder / SOURCES, **sources)
    pd.DataFrame(rows).to_csv(folder / ATTRIBUTION, index=False, float_format="%.6f")


def _known(picture: Picture) -> dict[str, str]:
    return {"source": picture.source, "sha256": picture.sha256, "licence": picture.licence}


def _settings(settings: AnalogySettings) -> dict[str, Any]:
    """All settings; layers only where they were chosen, for others the pyramid has its own."""
    chosen = settings.backbone.model_dump(mode="json", exclude_unset=True)
    backbone = {"kind": settings.backbone.kind, **chosen}
    return {**settings.model_dump(mode="json"), "backbone": backbone}


def _described(picture: Picture) -> dict[str, Any]:
    height, width = _size(picture)
    return {**_known(picture), "width": width, "height": height}


def _size(picture: Picture) -> tuple[int, int]:
    return picture.image.shape[0], picture.image.shape[1]


def _save(path: Path, image: NDArray[np.uint8]) -> None:
    Image.fromarray(image).save(path, format="PNG")
