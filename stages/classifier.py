"""Stage `classifier`: a domain's images and categories → models/classifier/<domain>."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from exemplar.features.classifier import LEAST, ClassifierFeatures, learnable, save_classifier
from exemplar.memory import keep_freed_memory
from exemplar.metrics.classifier import ClassifierSettings, accuracy, train_classifier
from exemplar.settings import load_params, section
from exemplar.store import layout
from exemplar.store.arrays import array, open_group, working_copy
from exemplar.store.files import workplace
from exemplar.store.items import read_items, rows_of
from stages.arguments import domain_of
from stages.ends import run


def main() -> None:
    """Trains the network that judges images made of a domain; none if it has no categories."""
    domain = domain_of("classifier")
    settings = section(load_params(), "classifier", ClassifierSettings)
    keep_freed_memory()
    items, out = read_items(layout.items(domain)), layout.classifier(domain)
    categories = learnable(items["category"].iloc[rows_of(items, "train")].to_list())
    if len(categories) < 2:
        found = ", ".join(categories) or "none"
        reason = f"expected two categories of at least {LEAST} training images, got {found}"
        save_classifier(out, None, {"data": domain, "reason": reason})
        return
    inputs = (layout.images(domain), layout.items(domain), settings.model_dump(mode="json"))
    with workplace(f"classifier/{domain}", *inputs) as folder:
        images, labels = _of_split(domain, items, "train", categories, folder)
        network = train_classifier(images, labels, categories, settings, folder, domain)
        facts = {"data": domain, "accuracy": None, "images": 0}
        images, labels = _of_split(domain, items, "test", categories, folder)
        if len(images):
            found = accuracy(ClassifierFeatures(network, "", settings.device), images, labels)
            facts |= {"accuracy": found, "images": len(images)}
            print(f"classifier of {domain}: {found:.2%} of {len(images):,} test images", flush=True)
        save_classifier(out, network, facts)


def _of_split(
    domain: str, items: pd.DataFrame, split: str, categories: list[str], folder: Path
) -> tuple[np.ndarray, np.ndarray]:
    """The images (N, H, W, 3) and labels (N,) of a split, of the categories that are learned."""
    places = {name: place for place, name in enumerate(categories)}
    rows = rows_of(items, split)
    labels = items["category"].iloc[rows].map(places).to_numpy(float)
    known = np.isfinite(labels)
    stored = array(open_group(layout.images(domain), "image"), "image")
    if not known.any():
        return np.empty((0, *stored.shape[1:]), np.uint8), np.empty(0, np.int64)
    images = working_copy(stored, rows[known], folder / f"{split}.npy")
    return images, labels[known].astype(np.int64)


if __name__ == "__main__":
    run(main)
