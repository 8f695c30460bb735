"""Stage `pix2pixhd_samples`: a model, styles → candidates/pix2pixhd…/<domain>-labels.zarr."""

from __future__ import annotations

import torch

from exemplar.memory import keep_freed_memory
from exemplar.methods.pix2pixhd.model import load_model
from exemplar.methods.pix2pixhd.networks import NETWORKS
from exemplar.methods.pix2pixhd.stored import (
    SamplesSettings,
    TestLayouts,
    candidates_path,
    inputs,
    rows_in,
)
from exemplar.methods.pix2pixhd.styles import load_styles
from exemplar.settings import load_params, section
from exemplar.store import layout
from exemplar.store.arrays import array, open_group
from exemplar.store.shards import fill_group
from stages.arguments import domain_and_network_of
from stages.ends import run

SHARD = 4  # layouts a shard: each brings several images


def main() -> None:
    """Makes images of a domain's test layouts, by one network."""
    domain, network = domain_and_network_of("pix2pixhd_samples", NETWORKS)
    settings = section(load_params(), "pix2pixhd_samples", SamplesSettings)
    torch.set_num_threads(settings.threads)
    keep_freed_memory()
    rows = rows_in(domain, "test")
    size = array(open_group(layout.images(domain), "image"), "image").shape[1:3]
    weights, styles = layout.pix2pixhd(domain, network), layout.pix2pixhd_styles(domain, network)
    model = load_model(weights, settings.device)
    fill_group(
        candidates_path(domain, network),
        {"image": ((settings.count, *size, 3), "uint8")},
        len(rows),
        TestLayouts(domain, rows, model, load_styles(styles), settings.count, settings.seed),
        {"rows": rows.tolist()},
        [*inputs(domain), weights, weights.with_suffix(".json"), styles, settings.model_dump()],
        SHARD,
    )


if __name__ == "__main__":
    run(main)
