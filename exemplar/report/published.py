"""The published numbers, and in what our own differ from them.

Numbers are typed in from the papers' tables; nothing here is computed. A table of ours stands
beside them on the page and in the terminal, never without the differences.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import isnan

import pandas as pd

from exemplar.report.tables import FEW, METRICS, Row, grouped, independence, number, records, text

TABLES = ("pixelnn",)
PAPERS = {"pixelnn": "PixelNN: Example-based Image Synthesis (Bansal, Sheikh, Ramanan), Table 1"}
PIXELNN_JUDGE = "PixelNet"

# Table 1, for each condition and domain: method, selection, then the seven metrics of `METRICS`.
# The paper prints edges-to-RGB with AP first; here the order is one.
_PIXELNN = {
    ("normals", "human faces"): (
        ("pix2pix", "single", 17.2, 14.3, 21.0, 37.2, 74.7, 86.8, 0.34),
        ("pix2pix", "oracle", 15.8, 13.1, 19.4, 41.9, 78.5, 89.3, 0.34),
        ("pixelnn", "rand-1", 12.8, 10.4, 16.0, 54.2, 86.6, 94.1, 0.38),
        ("pixelnn", "oracle", 10.8, 8.7, 13.5, 63.7, 91.6, 96.7, 0.42),
    ),
    ("normals", "cats and dogs"): (
        ("pix2pix", "single", 14.7, 12.8, 17.5, 42.6, 82.5, 92.9, 0.82),
        ("pix2pix", "oracle", 13.2, 11.4, 15.7, 49.2, 87.1, 95.3, 0.85),
        ("pixelnn", "rand-1", 16.6, 14.3, 19.8, 36.8, 76.2, 88.8, 0.80),
        ("pixelnn", "oracle", 13.8, 11.9, 16.6, 46.9, 84.9, 94.1, 0.92),
    ),
    ("edges", "human faces"): (
        ("pix2pix", "single", 12.1, 9.6, 15.5, 58.1, 88.1, 94.7, 0.35),
        ("pix2pix", "oracle", 11.5, 9.1, 14.6, 61.1, 89.7, 95.6, 0.35),
        ("pixelnn", "rand-1", 13.3, 10.6, 16.8, 52.9, 85.0, 92.9, 0.38),
        ("pixelnn", "oracle", 11.3, 9.0, 14.4, 61.6, 90.0, 95.7, 0.41),
    ),
    ("edges", "cats and dogs"): (
        ("pix2pix", "single", 18.2, 16.0, 21.8, 32.4, 71.0, 85.1, 0.78),
        ("pix2pix", "oracle", 16.5, 14.2, 19.8, 37.2, 76.4, 89.0, 0.81),
        ("pixelnn", "rand-1", 18.9, 16.4, 22.5, 30.3, 68.9, 83.5, 0.77),
        ("pixelnn", "oracle", 16.3, 14.1, 19.6, 37.6, 77.0, 89.4, 0.89),
    ),
}
# Section 4: 686 cats and dogs are kept for evaluation; of the faces, "the subset of test images".
_PIXELNN_IMAGES = {"cats and dogs": 686.0, "human faces": float("nan")}


# The methods with many candidates for an input.
_MANY = ("pix2pix", "global", "global_nearest", "pixelnn", "coherent", "whole")


@dataclass(frozen=True)
class DomainFacts:
    """What a table does not say about a domain.

    Attributes:
        training: how many images are exemplars and train the regressor.
        size: the images' height and width.
        regressor: the network f in words.
        descriptors: what pixels are matched by, in words.
        pix2pix: how it was trained, in words.
    """

    training: int
    size: tuple[int, int]
    regressor: str
    descriptors: str
    pix2pix: str


def published_table(name: str) -> pd.DataFrame | None:
    """The numbers of a paper's table.

    Args:
        name: one of `TABLES`.

    Returns:
        Columns as in our own table: `domain`, `condition`, `method`, `selection`, the metrics
        (degrees, percent, AP in [0, 1]), `images` (NaN where the paper does not say),
        `candidates`, `judge`; None if no published table has this name.
    """
    if name != "pixelnn":
        return None
    rows = [
        (domain, condition, *row, _PIXELNN_IMAGES[domain], 72.0, PIXELNN_JUDGE)
        for (condition, domain), block in _PIXELNN.items()
        for row in block
    ]
    columns = ["domain", "condition", "method", "selection", *METRICS]
    return pd.DataFrame(rows, columns=[*columns, "images", "candidates", "judge"])


def comparison(
    name: str, table: pd.DataFrame, facts: Mapping[str, DomainFacts] | None = None
) -> list[tuple[str, str, str]]:
    """In what our measurement differs from the published one, aspect by aspect.

    Args:
        name: one of `TABLES`.
        table: ours, as in `reports/tables/<name>.csv`.
        facts: for each domain, what the table does not say; may be left out.

    Returns:
        Triples (aspect, the paper, here); empty if no published table has this name.
    """
    if name != "pixelnn":
        return []
    own = records(table)
    domains = sorted({text(row, "domain") for row in own})
    judges = {text(row, "judge"): independence(row) for row in own if text(row, "judge")}
    many = [row for row in own if text(row, "method") in _MANY]
    many = [row for row in many if text(row, "selection") not in FEW]
    rows = [
        ("data set", "CelebA faces; Oxford-IIIT Pet heads", ", ".join(domains)),
        (
            "test images",
            "686 cats and dogs; a part of CelebA's test set, its size unstated",
            _by_domain(own, "images"),
        ),
        (
            "candidates for an input",
            "72, also for Pix-to-Pix (72 runs)",
            _by_domain(many, "candidates"),
        ),
        (
            "judge",
            "an off-the-shelf PixelNet for normals and edges, run on synthesised and real images",
            "; ".join(f"{judge} ({said})" if said else judge for judge, said in judges.items())
            + ", run in the same way",
        ),
        (
            "oracle",
            "the best of 72; whether for each metric or all at once, unstated",
            "both rules, named in each row",
        ),
        (
            "methods",
            "Pix-to-Pix and PixelNN",
            "the regressor alone, Pix-to-Pix, Global twice; PixelNN as published, coherent, whole",
        ),
        (
            "Pix-to-Pix without the oracle",
            "one output; which of the 72, unstated",
            "one at random, drawn like that of the other methods",
        ),
        (
            "choice without the truth",
            "none: “we do not have any direct way of ranking the outputs”",
            "the best-ranked (top-1) and a distinct few of the coherent and the whole candidates",
        ),
    ]
    if facts:
        counts = "; ".join(f"{name}: {facts[name].training:,}" for name in domains)
        known = [facts[name] for name in domains]
        rows.insert(1, ("training images", "100,000 faces; 3,000 cats and dogs", counts))
        rows[3:3] = [
            ("resolution", "96 × 96", _distinct([f"{f.size[0]} × {f.size[1]}" for f in known])),
            ("regressor", "PixelNet on VGG-16", _distinct([f.regressor for f in known])),
            (
                "descriptors",
                "conv{1_2, 2_2, 3_3, 4_3, 5_3} of a PixelNet trained on PASCAL Context",
                _distinct([f.descriptors for f in known]),
            ),
            (
                "Pix-to-Pix",
                "the pipeline of Isola et al., 2016",
                _distinct([f.pix2pix for f in known]),
            ),
        ]
    return rows


def differences(
    name: str, table: pd.DataFrame, facts: Mapping[str, DomainFacts] | None = None
) -> list[str]:
    """The same as sentences, for the terminal; the arguments are those of `comparison`."""
    rows = comparison(name, table, facts)
    return [f"{aspect}: the paper, {there}; here, {here}." for aspect, there, here in rows]


def _by_domain(rows: list[Row], column: str) -> str:
    """A column's distinct counts for each domain, such as `rendered: 32`."""
    parts = []
    for (domain,), group in grouped(rows, "domain").items():
        counts = sorted({int(v) for row in group if not isnan(v := number(row, column))})
        parts.append(f"{domain}: {' or '.join(map(str, counts)) or 'none'}")
    return "; ".join(parts)


def _distinct(values: list[str]) -> str:
    """Different values, in order."""
    return "; ".join(dict.fromkeys(values))
