"""Stage `analogy_inverse`: a domain's images → models/analogy/inverse, for `analogy`'s backbone."""

from __future__ import annotations

from pathlib import Path

import torch

from exemplar.features.backbone import BackboneSettings
from exemplar.features.pyramid import load_pyramid
from exemplar.memory import keep_freed_memory
from exemplar.methods.deep_analogy.inverse import STORED, new_inverse, save_inverse
from exemplar.methods.deep_analogy.inverse_training import InverseSettings, train_inverse
from exemplar.methods.deep_analogy.settings import AnalogySettings
from exemplar.settings import load_params, section
from exemplar.store import layout
from exemplar.store.arrays import StoreError, array, open_group, working_copy
from exemplar.store.files import workplace, written
from exemplar.store.items import read_items, rows_of
from exemplar.training.steps import write_history
from stages.ends import run


def main() -> None:
    """Learns to go from each level of the backbone to the next finer one."""
    params = load_params()
    analogy = section(params, "analogy", AnalogySettings)
    settings = section(params, "analogy_inverse", InverseSettings)
    images, items = layout.images(settings.domain), layout.items(settings.domain)
    rows = rows_of(read_items(items), "train")
    if not len(rows):
        raise StoreError(
            f"{items}: expected training images for the inverse, got none; name another domain "
            "with analogy_inverse.domain in params.yaml"
        )
    keep_freed_memory()
    torch.set_num_threads(settings.training.threads)
    pyramid = load_pyramid(analogy.backbone, _estimators(analogy.backbone), analogy.device)
    by = {"settings": settings.model_dump(mode="json"), "layers": list(pyramid.layers)}
    with workplace("analogy_inverse", images, items, pyramid.name, by) as folder:
        stored = array(open_group(images, "image"), "image")
        learned = working_copy(stored, rows, folder / "images.npy")
        torch.manual_seed(settings.training.seed)
        inverse = new_inverse(pyramid, settings.network)
        history = train_inverse(
            inverse, pyramid, learned, settings, folder / "training", "analogy_inverse"
        )
        with written(STORED.with_suffix("")) as unfinished:
            unfinished.mkdir()
            write_history(unfinished / "losses.csv", history)
        facts = {"data": settings.domain, "images": len(rows), "errors": history[-1]}
        save_inverse(STORED, inverse, facts)


def _estimators(backbone: BackboneSettings) -> Path | None:
    """The weights of the trunk, where that is the backbone."""
    return layout.ESTIMATORS if backbone.kind == "estimator" else None


if __name__ == "__main__":
    run(main)
