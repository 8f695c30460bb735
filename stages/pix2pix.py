"""Stage `pix2pix`: conditions and photographs → models/pix2pix/<domain>-<condition>."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np

from exemplar.labels.sides import MIRRORED
from exemplar.memory import keep_freed_memory
from exemplar.methods.pix2pix.generator import save_pix2pix
from exemplar.methods.pix2pix.settings import Pix2PixSettings
from exemplar.methods.pix2pix.training import Pairs, train_pix2pix
from exemplar.settings import load_params, section
from exemplar.store import layout
from exemplar.store.arrays import StoreError, array, name_list, open_group, working_copy
from exemplar.store.files import workplace, written
from exemplar.store.items import read_items, rows_of
from exemplar.training.steps import write_history
from stages.arguments import domain_and_condition_of
from stages.ends import run


def main() -> None:
    """Trains a U-Net against a PatchGAN on the training images of a domain."""
    domain, condition = domain_and_condition_of("pix2pix")
    settings = section(load_params(), "pix2pix", Pix2PixSettings)
    keep_freed_memory()
    items = read_items(layout.items(domain))
    train, val = (rows_of(items, split) for split in ("train", "val"))
    if not len(train):
        raise StoreError(
            f"{layout.items(domain)}: no image of the split train; give domains.{domain} some in "
            "params.yaml and run `exemplar reproduce`"
        )
    inputs = (layout.images(domain), layout.conditions(domain), layout.items(domain))
    by = settings.identity() | {"samples": settings.samples}
    with workplace(f"pix2pix/{domain}-{condition}", *inputs, {"condition": condition}, by) as work:
        pairs = _pairs(domain, condition, train, work / "train")
        shown = _pairs(domain, condition, (val if len(val) else train)[: settings.samples], work)
        made, history = train_pix2pix(pairs, settings, work, shown)
        with written(layout.pix2pix_progress(domain, condition)) as folder:
            shutil.copytree(work / "samples", folder / "samples")
            write_history(folder / "losses.csv", history)
        save_pix2pix(layout.pix2pix(domain, condition), made)


def _pairs(domain: str, condition: str, rows: np.ndarray, folder: Path) -> Pairs:
    """Some of a domain's images with their conditions, as memory maps in a folder."""
    group = open_group(layout.conditions(domain), condition)
    classes = name_list(group, "classes") if condition == "labels" else ()
    photographs = array(open_group(layout.images(domain), "image"), "image")
    stored = working_copy(array(group, condition), rows, folder / "stored.npy")
    images = working_copy(photographs, rows, folder / "images.npy")
    return Pairs(stored, images, condition, classes, group.attrs.get(MIRRORED))  # pyright: ignore[reportArgumentType]


if __name__ == "__main__":
    run(main)
