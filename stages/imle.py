"""Stage `imle`: codes → models/glann/<domain>-<seed>-imle, the mapping from noise."""

from __future__ import annotations

import torch

from exemplar.methods.glann.codes import read_codes
from exemplar.methods.glann.imle import train_imle
from exemplar.methods.glann.mapping import Mapping
from exemplar.methods.glann.model import save_network
from exemplar.methods.glann.settings import ImleSettings
from exemplar.settings import load_params, section
from exemplar.store import layout
from exemplar.store.files import workplace, written
from exemplar.training.steps import write_history
from stages.arguments import domain_and_seed_of
from stages.ends import run


def main() -> None:
    """Learns to reach every code of a domain from noise."""
    domain, seed = domain_and_seed_of("imle")
    settings: ImleSettings = section(load_params(), "imle", ImleSettings)
    path = layout.glann_codes(domain, seed)
    given = settings.model_dump(mode="json")
    with workplace(f"imle/{domain}-{seed}", path, given) as folder:
        _, codes = read_codes(path)
        torch.manual_seed(seed)
        mapping = Mapping(settings.mapping, codes.shape[1]).to(settings.training.device)
        history = train_imle(mapping, codes, settings, folder, f"imle {domain} {seed}", seed)
        with written(layout.glann_progress(domain, seed, "imle")) as partial:
            write_history(partial / "losses.csv", history)
        save_network(layout.glann(domain, seed, "imle"), mapping)


if __name__ == "__main__":
    run(main)
