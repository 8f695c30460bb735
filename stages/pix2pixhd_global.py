"""Stage `pix2pixhd_global`: labels and photographs → models/pix2pixhd/<domain>-global."""

from __future__ import annotations

import torch

from exemplar.memory import keep_freed_memory
from exemplar.methods.pix2pixhd.model import Pix2pixHD, save_model
from exemplar.methods.pix2pixhd.stored import (
    GlobalSettings,
    classes_of,
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
    """Trains the global network on a domain's training images, made smaller."""
    domain = domain_of("pix2pixhd_global")
    settings = section(load_params(), "pix2pixhd_global", GlobalSettings)
    keep_freed_memory()
    training = settings.training
    # A training that stopped because of a collapse goes on when this is turned off.
    by = settings.model_dump(mode="json", exclude={"training": {"collapse"}})
    with workplace(f"pix2pixhd_global/{domain}", *inputs(domain), by) as folder:
        photographs = training_set(domain, folder)
        torch.manual_seed(training.seed)
        model = Pix2pixHD(settings.network, classes_of(domain), 0).to(training.device)
        backbone = perceptual_backbone(settings.backbone, training.device)
        name = f"pix2pixhd_global {domain}"
        history = train_level(model, photographs, training, folder / "level-0", name, backbone)
        write_history(losses_path(domain, "global", 0), history)
        save_model(model_path(domain, "global"), model)


if __name__ == "__main__":
    main()
