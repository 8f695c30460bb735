"""The page: galleries, spectra, tables and commands as one HTML file that needs nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from exemplar.report import detail
from exemplar.report.against import comparisons, features_of
from exemplar.report.descriptors import Descriptors
from exemplar.report.gallery import Example
from exemplar.report.html import laid_out
from exemplar.report.pictures import identity_source, position_picture
from exemplar.report.published import PAPERS, DomainFacts, comparison
from exemplar.report.scores import beyond, blocks, correspondence
from exemplar.report.spread import Spread, diversities
from exemplar.report.tables import records, reservations, text
from exemplar.report.tiles import Tile, data_uri
from exemplar.report.training import Training

CONDITIONS = {
    "lowres": ("Low resolution", "Colours are given; every detail finer than a block is open."),
    "edges": ("Edges", "Outlines are given; colour, texture and light are open."),
    "normals": ("Surface normals", "Shape is given; colour and texture are open."),
    "labels": ("Labels", "Parts are given; the shape within them, colour and texture are open."),
}


@dataclass(frozen=True)
class Pair:
    """A domain and a condition: examples, spectra (SVG and tiles), counts, and so on."""

    domain: str
    condition: str
    examples: list[Example]
    plot: str
    fourier: list[tuple[Tile, Tile]]
    candidates: int
    tested: int
    descriptors: Descriptors
    spreads: list[Spread]
    training: Training

    @property
    def name(self) -> str:
        """As in the stores, such as `rendered-edges`."""
        return f"{self.domain}-{self.condition}"

    @property
    def title(self) -> str:
        """The condition in words."""
        return CONDITIONS.get(self.condition, (self.condition, ""))[0]

    @property
    def open(self) -> str:
        """What the condition gives and what it leaves open."""
        return CONDITIONS.get(self.condition, ("", ""))[1]


def render(
    pairs: Sequence[Pair],
    table: pd.DataFrame,
    against: pd.DataFrame,
    large: pd.DataFrame,
    facts: dict[str, DomainFacts],
    parameters: str,
) -> str:
    """Lays out the page.

    Args:
        pairs: one for each domain and condition, in the order in which they are shown.
        table: the joined evaluation, as text (`tables.read_table`).
        against: the joined comparison, as text (`tables.read_comparison`).
        large: the joined comparison at the pictures' own size, as text (`tables.read_detail`).
        facts: what is known of each domain.
        parameters: the settings used, as YAML.

    Returns:
        HTML; the same arguments give the same text.
    """
    rows = records(table)
    titles = {name: CONDITIONS.get(name, (name, ""))[0] for name in table["condition"]}
    return laid_out(
        "template.html.j2",
        pairs=pairs,
        facts=facts,
        hero=hero(pairs),
        titles=titles,
        tables=[
            (
                titles[name],
                blocks(table, name),
                beyond(table, name),
                reservations([row for row in rows if text(row, "condition") == name]),
            )
            for name in titles
        ],
        against=comparisons(against, features_of(table)),
        detail=detail.blocks(large),
        comparison=comparison("pixelnn", table, facts),
        paper=PAPERS["pixelnn"],
        correspondence=correspondence(table),
        diversities=diversities(table),
        position_key=data_uri(position_picture(identity_source(96, 96), 96, 96)),
        parameters=parameters,
    )


def hero(pairs: Sequence[Pair]) -> list[tuple[Pair, Example]]:
    """For the first domain's conditions the inputs with the least error, each another input."""
    chosen: list[tuple[Pair, Example]] = []
    for pair in pairs:
        if pair.domain != pairs[0].domain or len(chosen) == 3:
            continue
        taken = {example.id for _, example in chosen}
        fresh = [example for example in pair.examples if example.id not in taken]
        best = min(fresh or pair.examples, key=lambda example: example.error)
        chosen.append((pair, best))
    return chosen
