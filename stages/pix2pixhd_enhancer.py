"""Stage `pix2pixhd_enhancer`: the global network → models/pix2pixhd/<domain>-enhancer."""

from __future__ import annotations

from shutil import copytree

import torch

from exemplar.memory import keep_freed_memory
from exemplar.methods.pix2pixhd.model import grown, load_model, save_model
from exemplar.methods.pix2pixhd.pictures import Pictures
from exemplar.methods.pix2pixhd.stored import (
    EnhancerSettings,
    inputs,
    mirrored_in,
    perceptual_backbone,
    shown_set,
    training_set,
)
from exemplar.methods.pix2pixhd.training import train_level
from exemplar.settings import load_params, section
from exemplar.store import layout
from exemplar.store.files import workplace, written
from exemplar.training.steps import write_history
from stages.arguments import domain_of
from stages.ends import run


def main() -> None:
    """Adds the enhancers one by one, each trained alone first, then together with the coarser."""
    domain = domain_of("pix2pixhd_enhancer")
    settings = section(load_params(), "pix2pixhd_enhancer", EnhancerSettings)
    keep_freed_memory()
    training, coarse = settings.training, layout.pix2pixhd(domain, "global")
    by = settings.model_dump(mode="json") | {"training": training.identity()}
    stores = (*inputs(domain), coarse, coarse.with_suffix(".json"))
    with workplace(f"pix2pixhd_enhancer/{domain}", *stores, by) as folder:
        photographs = training_set(domain, folder)
        backbone = perceptual_backbone(settings.backbone)
        pictures = Pictures(shown_set(domain, settings.samples, folder / "shown"), folder / "seen")
        model, histories = load_model(coarse), {}
        for level in range(1, model.settings.generator.enhancers + 1):
            torch.manual_seed(training.seed + level)
            model = grown(model).to(training.device)
            name, work = f"pix2pixhd_enhancer {domain} {level}", folder / f"level-{level}"
            histories[level] = train_level(
                model, photographs, training, work, name, backbone, pictures, mirrored_in(domain)
            )
        with written(layout.pix2pixhd_progress(domain, "enhancer")) as partial:
            for level, history in histories.items():
                write_history(partial / f"losses-{level}.csv", history)
            copytree(pictures.folder, partial / "samples")
        save_model(layout.pix2pixhd(domain, "enhancer"), model)


if __name__ == "__main__":
    run(main)
