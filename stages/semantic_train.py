"""Stage `semantic_train`: a labelled image → models/semantic/<source>, a GAN of it.

Beside the GAN it leaves what it made of all targets on the way, and in reports/semantic its losses
and the seconds that they took. Killed, it goes on from its last checkpoint.

    python -m stages.semantic_train --source head
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from shutil import copytree

import numpy as np
import pandas as pd
from PIL import Image

from exemplar.features.backbone import load_backbone
from exemplar.measured import peak_memory
from exemplar.memory import keep_freed_memory
from exemplar.methods.semantic_analogy.model import Gan, save_gan
from exemplar.methods.semantic_analogy.settings import LayoutSettings
from exemplar.methods.semantic_analogy.sources import NamedSource
from exemplar.methods.semantic_analogy.stored import (
    CODE,
    gan_path,
    gan_settings,
    given_source,
    previews_path,
    training_path,
)
from exemplar.methods.semantic_analogy.training import train_gan
from exemplar.settings import load_params, section
from exemplar.store import layout
from exemplar.store.files import sources_hash, workplace, written
from stages.ends import run
from stages.semantic_arguments import source_of


def main() -> None:
    """Trains a GAN on one source."""
    name, params = source_of("semantic_train"), load_params()
    given, settings = given_source(params, name), gan_settings(params, name)
    chosen: LayoutSettings = section(params, "layout", LayoutSettings)
    keep_freed_memory()
    by = [
        *given.identity(), settings.model_dump(mode="json"), chosen.seed, chosen.device,
        chosen.threads, sources_hash(*CODE, "stages/semantic_train.py"),
    ]  # fmt: skip
    with workplace(f"semantic_train/{name}", *by) as folder:
        previews, before = folder / "previews", peak_memory()
        gan, history = train_gan(
            given.source,
            settings,
            folder / "training",
            f"semantic_train {name}",
            partial(load_backbone, settings.backbone, layout.ESTIMATORS, chosen.device),
            lambda step, so_far: write_previews(previews / str(step), so_far, given),
            chosen.threads,
            chosen.seed,
            chosen.device,
        )
        table = pd.DataFrame(history).astype({"step": int}).assign(peak_mb=peak_memory() - before)
        with written(training_path(name)) as partial_file:
            table.to_csv(partial_file, index=False, float_format="%.6g", lineterminator="\n")
        with written(previews_path(name)) as partial_folder:
            copytree(previews, partial_folder)
        save_gan(gan_path(name), gan)


def write_previews(folder: Path, gan: Gan, given: NamedSource) -> None:
    """Writes what a GAN makes of all targets, as PNG by their names."""
    images = gan.render(np.stack([target.labels for target in given.targets]))
    with written(folder) as partial_folder:
        partial_folder.mkdir()
        for target, image in zip(given.targets, images, strict=True):
            Image.fromarray(image).save(partial_folder / f"{target.name}.png")


if __name__ == "__main__":
    run(main)
