"""Stage `pix2pixhd_enhancer`: the global network → models/pix2pixhd/<domain>-enhancer."""

from __future__ import annotations

import torch

from exemplar.memory import keep_freed_memory
from exemplar.methods.pix2pixhd.model import grown, load_model, save_model
from exemplar.methods.pix2pixhd.stored import (
    EnhancerSettings,
    inputs,
    losses_path,
    model_path,
    perceptual_backbone,
    training_set,
)
from exemplar.methods.pix2pixhd.training import train_level
from exemplar.settings import load_params, section
from exemplar.store.files import workplace
from exemplar.training.steps import write_history
from stages.arguments import domain_of


def main() -> None:
    """Adds the enhancers one by one, each trained alone first, then together with the coarser."""
    domain = domain_of("pix2pixhd_enhancer")
    settings = section(load_params(), "pix2pixhd_enhancer", EnhancerSettings)
    keep_freed_memory()
    training, coarse = settings.training, model_path(domain, "global")
    by = settings.model_dump(mode="json", exclude={"training": {"collapse"}})
    stores = (*inputs(domain), coarse, coarse.with_suffix(".json"))
    with workplace(f"pix2pixhd_enhancer/{domain}", *stores, by) as folder:
        photographs = training_set(domain, folder)
        backbone = perceptual_backbone(settings.backbone, training.device)
        model = load_model(coarse)
        for level in range(1, model.settings.generator.enhancers + 1):
            torch.manual_seed(training.seed + level)
            model = grown(model).to(training.device)
            name, work = f"pix2pixhd_enhancer {domain} {level}", folder / f"level-{level}"
            history = train_level(model, photographs, training, work, name, backbone)
            write_history(losses_path(domain, "enhancer", level), history)
        save_model(model_path(domain, "enhancer"), model)


if __name__ == "__main__":
    main()
