"""Stage `glo`: images → models/glann/<domain>-<seed>-glo and their codes."""

from __future__ import annotations

from shutil import copytree

import numpy as np
import torch

from exemplar.memory import keep_freed_memory
from exemplar.methods.glann.codes import write_codes
from exemplar.methods.glann.generator import Generator
from exemplar.methods.glann.glo import Embedded, principal_codes, train_glo
from exemplar.methods.glann.model import save_network
from exemplar.methods.glann.settings import GloSettings
from exemplar.methods.glann.stored import Pictures, earlier, inputs, loss_of, training_images
from exemplar.settings import load_params, section
from exemplar.store import layout
from exemplar.store.files import workplace, written
from exemplar.training.steps import write_history
from stages.arguments import domain_and_seed_of


def main() -> None:
    """Learns a generator together with a code for each training image."""
    domain, seed = domain_and_seed_of("glo")
    settings: GloSettings = section(load_params(), "glo", GloSettings)
    keep_freed_memory()
    torch.set_num_threads(settings.training.threads)
    begun = [settings.begin_from[domain]] if domain in settings.begin_from else []
    with workplace(f"glo/{domain}-{seed}", *inputs(domain), *begun, settings.identity()) as folder:
        ids, images = training_images(domain, folder)
        torch.manual_seed(seed)
        generator = Generator(settings.generator, images.shape[1], images.shape[3])
        codes: dict[str, np.ndarray] | np.ndarray = {}
        if begun:
            codes = earlier(begun[0], generator)
        elif settings.training.start == "pca":
            codes = principal_codes(images, settings.generator.codes, seed)
        shown = np.linspace(0, len(ids) - 1, min(settings.samples, len(ids))).round().astype(int)
        learned, history = train_glo(
            generator.to(settings.training.device),
            Embedded(ids, images, codes, seed),
            settings,
            folder / "training",
            f"glo {domain} {seed}",
            loss_of(settings.loss, images.shape[1]),
            Pictures(images[shown], shown, folder / "seen"),
        )
        write_codes(layout.glann_codes(domain, seed), ids, learned)
        with written(layout.glann_progress(domain, seed, "glo")) as partial:
            write_history(partial / "losses.csv", history)
            copytree(folder / "seen", partial / "samples")
        save_network(layout.glann(domain, seed, "glo"), generator)


if __name__ == "__main__":
    main()
