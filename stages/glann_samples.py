"""Stage `glann_samples`: trained models, training images → samples/<domain>-<seed>/."""

from __future__ import annotations

import faiss
import torch

from exemplar.memory import keep_freed_memory
from exemplar.methods.glann.looks import load_look
from exemplar.methods.glann.losses import reconstruction
from exemplar.methods.glann.model import BASELINES
from exemplar.methods.glann.sample_stores import Making, make_samples
from exemplar.methods.glann.sampling import SamplesSettings
from exemplar.methods.glann.settings import GloSettings
from exemplar.methods.glann.training_images import open_training
from exemplar.settings import load_params, section
from exemplar.store import layout
from exemplar.store.files import make_way, replace, sources_hash, workplace
from stages.arguments import domain_and_seed_of
from stages.ends import run


def main() -> None:
    """Makes what the networks of a domain and a training seed make from noise."""
    domain, seed = domain_and_seed_of("glann_samples")
    params = load_params()
    settings = section(params, "glann_samples", SamplesSettings)
    loss = section(params, "glo", GloSettings).loss
    torch.set_num_threads(settings.threads)
    faiss.omp_set_num_threads(settings.threads)
    keep_freed_memory()
    training = open_training(domain, seed)
    making = Making(
        domain,
        seed,
        settings,
        training,
        load_look(settings.perceptual, settings.device),
        reconstruction(loss, training.images.shape[1], layout.ESTIMATORS, settings.device),
    )
    networks = [layout.glann(domain, seed, part) for part in ("glo", "imle", *BASELINES)]
    inputs = [
        *networks,
        *(path.with_suffix(".json") for path in networks),
        layout.glann_codes(domain, seed),
        layout.images(domain),
        layout.items(domain),
        making.look.name,
        *([layout.ESTIMATORS] if layout.ESTIMATORS.is_file() else []),  # the loss's, perhaps
        settings.model_dump(mode="json"),
        loss.identity(),
        {"code": sources_hash("exemplar", "stages")},
    ]
    out = layout.samples(domain, seed)
    make_way(out)
    with workplace(str(out), *inputs) as folder:
        make_samples(folder / "groups", making)
        replace(folder / "groups", out)


if __name__ == "__main__":
    run(main)
