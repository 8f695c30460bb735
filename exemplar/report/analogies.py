"""What the page of Deep Image Analogy shows: pairs, what was made of them, and the scores.

`gathered` reads the folder of a pair; after this there is only text and pictures.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from exemplar.data.pictures import Picture
from exemplar.methods.deep_analogy.requests import Given
from exemplar.report.analogy_pictures import (
    identity_field,
    lines_picture,
    placed_picture,
    steady_points,
)
from exemplar.report.analogy_results import (
    A_PRIME,
    ATTRIBUTION,
    FIELDS,
    REFINED_A_PRIME,
    REFINED_B,
    SUMMARY,
    B,
)
from exemplar.report.analogy_scores import FLOW, KEYPOINTS, PAPER, flow_blocks, keypoint_blocks
from exemplar.report.analogy_table import MEANINGS, differences
from exemplar.report.html import laid_out
from exemplar.report.tiles import Tile, data_uri, smaller

MODES = {
    "photo-to-style": "photograph to style",
    "style-to-style": "style to style",
    "style-to-photo": "style to photograph",
    "photo-to-photo": "photograph to photograph",
}
WORDS = {"1": "little", "2": "some", "3": "much", "aligned": "all"}
"""How much of an image's own structure is kept, by strength."""

MADE = (
    (A_PRIME, "A′", "A in the look of B′"),
    (B, "B", "B′ in the look of A"),
    (REFINED_A_PRIME, "A′ refined", "with the detail of A"),
    (REFINED_B, "B refined", "with the detail of B′"),
)


@dataclass(frozen=True)
class Source:
    """Where the pixels of a picture come from: a line of a pair's `attribution.csv`.

    Attributes:
        picture: its file.
        part: what it takes: pixels, colours or detail.
        source: from which image.
        licence: of that, if it is known.
        used: the share of that image's pixels that it takes, in percent.
    """

    picture: str
    part: str
    source: str
    licence: str
    used: str


@dataclass(frozen=True)
class Shown:
    """Everything that is shown of a pair.

    Attributes:
        name: of its folder.
        said: mode, strength and sizes, in words.
        images: A and B′.
        made: A′ and B, and both refined where they are.
        placed: both images coloured by place.
        lines: both images, with lines between some points that correspond.
        sources: of the pixels.
        warnings: in sentences.
        cycle: pixels that the way there and back leads astray, on average.
    """

    name: str
    said: str
    images: list[Tile]
    made: list[Tile]
    placed: list[Tile]
    lines: str
    sources: list[Source]
    warnings: list[str]
    cycle: str


def gathered(name: str, folder: Path, given: Given, side: int) -> Shown:
    """Reads what was made of a pair.

    Args:
        name: of the pair.
        folder: its files, as `write_results` left them.
        given: the pair.
        side: pixels of pictures on the page; larger ones are made smaller.

    Returns:
        What the page shows.
    """
    a, b_prime = given.a.image, given.b_prime.image
    summary = json.loads((folder / SUMMARY).read_text())
    with np.load(folder / FIELDS) as fields:
        forward, backward = fields["forward"], fields["backward"]
    sizes = (a.shape[0], a.shape[1]), (b_prime.shape[0], b_prime.shape[1])
    made = [
        Tile(_uri(_read(folder / file), side), caption, note)
        for file, caption, note in MADE
        if (folder / file).is_file()
    ]
    placed = {
        ("A", "by its places in B′"): placed_picture(a, forward, sizes[1]),
        ("B′", "by place"): placed_picture(b_prime, identity_field(sizes[1]), sizes[1]),
        ("B′", "by its places in A"): placed_picture(b_prime, backward, sizes[0]),
        ("A", "by place"): placed_picture(a, identity_field(sizes[0]), sizes[0]),
    }
    here = steady_points(forward, backward)
    lines = lines_picture(a, b_prime, here, forward[here[:, 0], here[:, 1]])
    return Shown(
        name,
        _said(summary, given),
        [_tile("A", given.a, side), _tile("B′", given.b_prime, side)],
        made,
        [Tile(_uri(picture, side), caption, note) for (caption, note), picture in placed.items()],
        data_uri(lines),
        _sources(folder),
        summary["warnings"],
        f"{summary['cycle_error']:.1f}",
    )


def render(
    pairs: Sequence[Shown], tables: Mapping[str, pd.DataFrame], network: str, parameters: str
) -> str:
    """Lays out the page.

    Args:
        pairs: in the order in which they are shown; at least one.
        tables: ours by name, as in `reports/tables/<name>.csv`: `analogy_flow` and
            `analogy_keypoints`.
        network: whose features were matched.
        parameters: the settings used, as YAML.

    Returns:
        HTML; the same arguments give the same text.
    """
    scores = [
        ("Views of one scene, and rendered heads", FLOW.stem, flow_blocks(tables[FLOW.stem])),
        ("Keypoints", KEYPOINTS.stem, keypoint_blocks(tables[KEYPOINTS.stem])),
    ]
    return laid_out(
        "analogies.html.j2",
        pairs=pairs,
        network=network,
        scores=scores,
        meanings=MEANINGS,
        differences={name: differences(name) for _, name, _ in scores},
        paper=PAPER,
        parameters=parameters,
    )


def _said(summary: dict, given: Given) -> str:
    strength = summary["settings"]["strength"]
    sizes = [f"{of.image.shape[1]}×{of.image.shape[0]}" for of in (given.a, given.b_prime)]
    return (
        f"{MODES[given.mode]}; {WORDS[strength]} of each image’s own structure kept; "
        f"{sizes[0]} and {sizes[1]} pixels"
    )


def _sources(folder: Path) -> list[Source]:
    table = pd.read_csv(folder / ATTRIBUTION, keep_default_na=False, dtype={"licence": str})
    return [
        Source(row["picture"], row["part"], row["source"], row["licence"], f"{row['used']:.0%}")
        for row in table.to_dict("records")
    ]


def _tile(caption: str, picture: Picture, side: int) -> Tile:
    return Tile(_uri(picture.image, side), caption, Path(picture.source).name)


def _uri(image: np.ndarray, side: int) -> str:
    return data_uri(smaller(image, side))


def _read(path: Path) -> np.ndarray:
    return np.asarray(Image.open(path).convert("RGB"))
