"""Stage `pix2pixhd_global`: labels and photographs → models/pix2pixhd/<domain>-<network>."""

from __future__ import annotations

from shutil import copytree

import torch

from exemplar.memory import keep_freed_memory
from exemplar.methods.pix2pixhd.model import Pix2pixHD, save_model
from exemplar.methods.pix2pixhd.networks import COARSE, variant
from exemplar.methods.pix2pixhd.pictures import Pictures
from exemplar.methods.pix2pixhd.stored import (
    GlobalSettings,
    classes_of,
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
from stages.arguments import domain_and_network_of
from stages.ends import run


def main() -> None:
    """Trains the global network, or one it is compared with, on images made smaller."""
    domain, network = domain_and_network_of("pix2pixhd_global", COARSE)
    settings = section(load_params(), "pix2pixhd_global", GlobalSettings)
    keep_freed_memory()
    training = settings.training
    by = settings.model_dump(mode="json") | {"training": training.identity()}
    name = f"pix2pixhd_global {domain} {network}"
    with workplace(f"pix2pixhd_global/{domain}-{network}", *inputs(domain), by) as folder:
        photographs = training_set(domain, folder)
        height, width = photographs.labels.shape[1:]
        reduction = 2**settings.network.generator.enhancers
        size = (height // reduction, width // reduction)
        architecture = variant(network, settings.network, settings.unet, size)
        torch.manual_seed(training.seed)
        model = Pix2pixHD(architecture, classes_of(domain), 0).to(training.device)
        backbone = perceptual_backbone(settings.backbone)
        pictures = Pictures(shown_set(domain, settings.samples, folder / "shown"), folder / "seen")
        work = folder / "level-0"
        history = train_level(
            model, photographs, training, work, name, backbone, pictures, mirrored_in(domain)
        )
        with written(layout.pix2pixhd_progress(domain, network)) as partial:
            write_history(partial / "losses-0.csv", history)
            copytree(pictures.folder, partial / "samples")
        save_model(layout.pix2pixhd(domain, network), model)


if __name__ == "__main__":
    run(main)
