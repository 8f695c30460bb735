"""Stage `glann_baselines`: images → models/glann/<domain>-<seed>-<baseline>."""

from __future__ import annotations

import torch

from exemplar.memory import keep_freed_memory
from exemplar.methods.glann.baselines import (
    BaselinesSettings,
    Encoder,
    train_imle_pixels,
    train_vae,
)
from exemplar.methods.glann.generator import Generator
from exemplar.methods.glann.losses import ReconstructionSettings
from exemplar.methods.glann.model import BASELINES, save_network
from exemplar.methods.glann.settings import GloSettings
from exemplar.methods.glann.stored import inputs, loss_files, loss_of, training_images
from exemplar.settings import load_params, section
from exemplar.store import layout
from exemplar.store.files import workplace, written
from exemplar.training.steps import write_history
from stages.arguments import domain_seed_and_baseline_of
from stages.ends import run


def main() -> None:
    """Trains one of the methods that GLANN is compared with, on the same images."""
    domain, seed, baseline = domain_seed_and_baseline_of("glann_baselines", BASELINES)
    params = load_params()
    settings: BaselinesSettings = section(params, "glann_baselines", BaselinesSettings)
    glo: GloSettings = section(params, "glo", GloSettings)
    keep_freed_memory()
    training = settings.imle_pixels if baseline == "imle_pixels" else settings.vae
    loss = glo.loss if baseline == "vae_perceptual" else ReconstructionSettings(kind="l1")
    by = {"training": training.model_dump(mode="json"), "loss": loss.identity()}
    by["generator"] = glo.generator.model_dump()
    given = [*inputs(domain), *loss_files(loss), by]
    with workplace(f"glann_baselines/{domain}-{seed}-{baseline}", *given) as folder:
        _, images = training_images(domain, folder)
        torch.manual_seed(seed)
        side, channels = images.shape[1], images.shape[3]
        # Only IMLE's codes are on the sphere, as GLANN's; those of a VAE are normal.
        sphere = baseline == "imle_pixels"
        generator = Generator(glo.generator, side, channels, sphere).to(training.device)
        work, name = folder / "training", f"glann_baselines {domain} {seed} {baseline}"
        if baseline == "imle_pixels":
            history = train_imle_pixels(generator, images, settings.imle_pixels, work, name, seed)
        else:
            encoder = Encoder(glo.generator, side, channels).to(training.device)
            made = loss_of(loss, side)(training.device)
            history = train_vae(generator, encoder, images, made, training, work, name, seed)
        with written(layout.glann_progress(domain, seed, baseline)) as partial:
            write_history(partial / "losses.csv", history)
        save_network(layout.glann(domain, seed, baseline), generator)


if __name__ == "__main__":
    run(main)
