"""Candidates of pix2pix: a trained generator → candidates/pix2pix/<domain>-<condition>.zarr.

An input has as many as it has in the methods that are compared, by dropout's noise alone.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
import zarr

from exemplar.memory import keep_freed_memory
from exemplar.methods.pix2pix.generator import Pix2Pix, load_pix2pix
from exemplar.methods.pix2pix.settings import Pix2PixSettings
from exemplar.settings import load_params, section
from exemplar.store import layout
from exemplar.store.arrays import StoreError, array, name_list, open_group, read_rows
from exemplar.store.items import read_items, rows_of
from exemplar.store.shards import fill_group
from exemplar.training.images import seed_at

SHARD = 4  # inputs a shard: each brings dozens of images


@dataclass(frozen=True)
class Candidates:
    """Candidates of some images of a domain; called with some, it makes theirs.

    Attributes:
        made: the generator.
        stored: (N, …), the condition of all of the domain's images.
        rows: of the images.
        size: (H, W).
        count: C, candidates of each.
        seed: of the noise, with the image's row.
    """

    made: Pix2Pix
    stored: zarr.Array
    rows: np.ndarray
    size: tuple[int, int]
    count: int
    seed: int

    def __call__(self, part: slice) -> dict[str, np.ndarray]:
        """`image`, (n, C, H, W, 3) u8."""
        rows = self.rows[part]
        seeds = [seed_at(row, self.seed) for row in rows.tolist()]
        return {"image": self.made(read_rows(self.stored, rows), self.size, self.count, seeds)}


def open_candidates(domain: str, condition: str, count: int, split: str = "test") -> Candidates:
    """Opens everything that candidates are made from.

    Args:
        domain: whose images.
        condition: what they are synthesised from.
        count: candidates of each.
        split: of the images.

    Raises:
        WeightsError: there is no generator, or it is damaged.
        StoreError: a store is missing, or the generator reads other classes than it has.
    """
    training = section(load_params(), "pix2pix", Pix2PixSettings).training
    torch.set_num_threads(training.threads)
    keep_freed_memory()
    path = layout.pix2pix(domain, condition)
    made = load_pix2pix(path, training.device)
    group = open_group(layout.conditions(domain), condition)
    classes = name_list(group, "classes") if condition == "labels" else ()
    if (made.condition, made.classes) != (condition, classes):
        raise StoreError(
            f"{path}: reads {made.condition} {list(made.classes)}, but "
            f"{layout.conditions(domain)} has {condition} {list(classes)}; run `exemplar reproduce "
            f"pix2pix@{domain}-{condition}`"
        )
    _, height, width, _ = array(open_group(layout.images(domain), "image"), "image").shape
    rows = rows_of(read_items(layout.items(domain)), split)
    stored = array(group, condition)
    return Candidates(made, stored, rows, (height, width), count, training.seed)


def build_candidates(domain: str, condition: str, count: int) -> None:
    """Synthesises every test image of a domain and writes the store; its attribute is `rows`.

    Args:
        domain: whose images.
        condition: what they are synthesised from.
        count: candidates of each.

    Raises:
        StoreError: a store is missing or damaged, or there is no test image.
        WeightsError: there is no generator, or it is damaged.
    """
    opened = open_candidates(domain, condition, count)
    if not len(opened.rows):
        raise StoreError(
            f"{layout.items(domain)}: no image of the split test; give domains.{domain} some in "
            "params.yaml and run `exemplar reproduce`"
        )
    path = layout.pix2pix(domain, condition)
    fill_group(
        layout.candidates("pix2pix", domain, condition),
        {"image": ((count, *opened.size, 3), "uint8")},
        len(opened.rows),
        opened,
        {"rows": opened.rows.tolist()},
        [path, path.with_suffix(".json"), layout.conditions(domain), {"seed": opened.seed}],
        SHARD,
    )
