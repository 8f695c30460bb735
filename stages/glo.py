"""Stage `glo`: images → models/glann/<domain>-<seed>-glo and their codes."""

from __future__ import annotations

from functools import partial
from shutil import copytree

import numpy as np
import torch

from exemplar.memory import keep_freed_memory
from exemplar.methods.glann.codes import write_codes
from exemplar.methods.glann.generator import Generator
from exemplar.methods.glann.glo import Embedded, train_glo
from exemplar.methods.glann.model import save_network
from exemplar.methods.glann.principal import principal_codes
from exemplar.methods.glann.settings import GloSettings
from exemplar.methods.glann.stored import (
    Pictures,
    earlier,
    earlier_codes,
    files_of,
    inputs,
    loss_files,
    loss_of,
    training_images,
)
from exemplar.settings import SettingsError, load_params, section
from exemplar.store import layout
from exemplar.store.files import workplace, written
from exemplar.training.steps import write_history
from stages.arguments import domain_and_seed_of
from stages.ends import run


def main() -> None:
    """Learns a generator together with a code for each training image."""
    domain, seed = domain_and_seed_of("glo")
    params = load_params()
    settings: GloSettings = section(params, "glo", GloSettings)
    keep_freed_memory()
    torch.set_num_threads(settings.training.threads)
    wrong = sorted(set(settings.begin_from) - set(params.get("domains", {})))
    if wrong:
        raise SettingsError(f"glo.begin_from names no domains of params.yaml: {wrong}")
    path = settings.begin_from.get(domain)
    begun = files_of(path) if path else []
    given = [*inputs(domain), *begun, *loss_files(settings.loss), settings.identity()]
    with workplace(f"glo/{domain}-{seed}", *given) as folder:
        ids, images = training_images(domain, folder)
        torch.manual_seed(seed)
        generator = Generator(settings.generator, images.shape[1], images.shape[3])
        known, start = (settings.generator.codes, seed), None
        if path:
            earlier(path, generator)
            start = partial(earlier_codes, begun[-1], ids, *known)
        elif settings.training.start == "pca":
            start = partial(principal_codes, images, *known, settings.training.threads)
        shown = np.linspace(0, len(ids) - 1, min(settings.samples, len(ids))).round().astype(int)
        learned, history = train_glo(
            generator.to(settings.training.device),
            Embedded(ids, images, seed, start),
            settings,
            folder / "training",
            f"glo {domain} {seed}",
            loss_of(settings.loss, images.shape[1]),
            Pictures(images[shown], shown, folder / "seen"),
        )
        write_codes(layout.glann_codes(domain, seed), ids, learned)
        with written(layout.glann_progress(domain, seed, "glo")) as unfinished:
            write_history(unfinished / "losses.csv", history)
            copytree(folder / "seen", unfinished / "samples")
        save_network(layout.glann(domain, seed, "glo"), generator)


if __name__ == "__main__":
    run(main)
