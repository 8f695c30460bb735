"""Everything that GLANN's training stages leave, of tiny networks with random weights."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import torch
import yaml

from exemplar.methods.glann.codes import write_codes
from exemplar.methods.glann.generator import Generator, GeneratorSettings
from exemplar.methods.glann.mapping import Mapping, MappingSettings
from exemplar.methods.glann.model import BASELINES, Sampler, load_sampler, save_network
from exemplar.store import layout
from exemplar.store.arrays import write_group
from exemplar.store.files import remove
from exemplar.store.items import write_items

DOMAIN, SEED, SIDE, CODES, NOISE = "specks", 3, 16, 6, 5
GENERATOR = GeneratorSettings(codes=CODES, hidden=24, width=8)
PARAMS = {
    "glo": {"loss": {"kind": "l1"}},
    "glann_samples": {
        "count": 70,  # more than a shard
        "neighbours": 2,
        "perceptual": None,
        "references": 4,
        "interpolations": 2,
        "steps": 3,
        "reconstructions": 3,
        "inversions": 2,
        "inversion": {"steps": 3, "starts": 2, "draws": 20},
        "seed": 2,
    },
}


def generator(seed: int = 0, channels: int = 3, sphere: bool = True) -> Generator:
    """One whose images differ much: its last layer is ten times as strong as it begins."""
    torch.manual_seed(seed)
    network = Generator(GENERATOR, SIDE, channels, sphere)
    with torch.no_grad():
        network.layers[-1].weight.mul_(10)
    return network.eval()


def mapping(seed: int = 0) -> Mapping:
    torch.manual_seed(seed)
    return Mapping(MappingSettings(noise=NOISE, hidden=12), CODES).eval()


def sampler(channels: int = 3) -> Sampler:
    return Sampler(generator(channels=channels), mapping(), NOISE, torch.device("cpu"))


def unit(*shape: int, seed: int = 0) -> np.ndarray:
    """Random directions (…, d) f32."""
    values = np.random.default_rng(seed).standard_normal(shape).astype(np.float32)
    return values / np.linalg.norm(values, axis=-1, keepdims=True)


def write_run(splits: tuple[str, ...] = ("test", "train") * 5, channels: int = 3) -> None:
    """A domain of random images, one a split that is named, and networks trained on it."""
    Path("params.yaml").write_text(yaml.safe_dump(PARAMS))
    count = len(splits)
    images = np.random.default_rng(1).integers(0, 256, (count, SIDE, SIDE, 3)).astype(np.uint8)
    remove(layout.images(DOMAIN))
    layout.images(DOMAIN).parent.mkdir(parents=True, exist_ok=True)
    write_group(layout.images(DOMAIN), {"image": images})
    table = {"id": [f"s-{i}" for i in range(count)], "split": splits, "category": "",
             "source": [f"{i}.png" for i in range(count)], "sha256": "", "licence": "CC0",
             "width": SIDE, "height": SIDE}  # fmt: skip
    write_items(layout.items(DOMAIN), pd.DataFrame(table))
    save_network(layout.glann(DOMAIN, SEED, "glo"), generator(channels=channels))
    save_network(layout.glann(DOMAIN, SEED, "imle"), mapping())
    for place, baseline in enumerate(BASELINES):
        network = generator(place + 1, channels, sphere=False)
        save_network(layout.glann(DOMAIN, SEED, baseline), network)
    # In another order than the table's.
    ids = [f"s-{i}" for i in reversed(range(count)) if splits[i] == "train"]
    write_codes(layout.glann_codes(DOMAIN, SEED), ids, unit(len(ids), CODES))


def trained() -> Sampler:
    """The model of `write_run`."""
    return load_sampler("glann", DOMAIN, SEED)
