"""What Deep Image Analogy costs and what its parts are worth, from one run.

    python -m benchmarks.analogy
    python -m benchmarks.analogy --weights raw/5SE.pth     # the small VGG-19 encoders
    python -m benchmarks.analogy --weights raw/vgg19.pth --kind torchvision
    python -m benchmarks.analogy --pairs raw/pairs         # NAME_A.png, NAME_BP.png: texture alone

By default the features are those of the estimators' trunk (`make reproduce`), the photographs two
that come with scikit-image. `learned` is measured where the stage `analogy_inverse` has learned
for the same features. Takes some ten minutes on one core, most of them for the deconvolution.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from PIL import Image
from pydantic import TypeAdapter
from scipy.ndimage import gaussian_filter, map_coordinates
from skimage import data
from torch import Tensor
from torch.nn import functional

from benchmarks.record import Figure, best_times, cost, report
from benchmarks.texture import read_pairs, texture
from exemplar.features.backbone import BackboneSettings
from exemplar.features.pyramid import Pyramid, load_pyramid
from exemplar.matching import field as fields
from exemplar.matching.field import Field, Pair
from exemplar.measured import peak_memory
from exemplar.memory import keep_freed_memory
from exemplar.methods.deep_analogy.analogy import Analogy, make_analogy
from exemplar.methods.deep_analogy.energy import described, match_pair, softening
from exemplar.methods.deep_analogy.inverse import STORED, Inverse, load_inverse
from exemplar.methods.deep_analogy.settings import RECONSTRUCTIONS, AnalogySettings
from exemplar.metrics.flow import psnr
from exemplar.store import layout
from exemplar.store.weights import WeightsError

SIDE, SMALL = 448, 256
CELLS, PATCH, ROUNDS = 56, 3, 10
# Sides and channels; the smallest does not fit into a processor's caches either.
BASE = (224, 64)
MORE_PIXELS = ((448, 64), (672, 64))
MORE_CHANNELS = ((224, 128), (224, 256), (224, 512))
BEND = 0.03
"""Of the known pair: how far places move, as a share of the side; twice that at most or so."""


class Bent(NamedTuple):
    """Two views of a photograph whose correspondence is known.

    Attributes:
        a: (H, W, 3) u8, the photograph.
        b_prime: (H, W, 3) u8, moved smoothly and in other colours.
        wanted: (H, W, 3) u8, the photograph in those colours: what A′ should be.
        places: (H, W, 2) float64, where each pixel of `b_prime` is in `a`.
    """

    a: np.ndarray
    b_prime: np.ndarray
    wanted: np.ndarray
    places: np.ndarray


def main() -> None:
    """Measures, prints, writes reports/benchmarks/analogy.json, or analogy_texture.json."""
    parser = argparse.ArgumentParser("python -m benchmarks.analogy", allow_abbrev=False)
    parser.add_argument("--weights", type=Path, help="of a network other than the trunk")
    parser.add_argument("--kind", default="vgg19_small", help="of these weights, as in params.yaml")
    parser.add_argument("--device", default="cpu", help="cpu or cuda")
    parser.add_argument("--threads", type=int, default=1, help="CPU threads")
    parser.add_argument("--side", type=int, default=SIDE, help="of the large pair, in pixels")
    parser.add_argument("--pairs", type=Path, help="folder: only how plain places are matched")
    given = parser.parse_args()
    try:
        pairs = read_pairs(given.pairs, given.side) if given.pairs else []
    except ValueError as error:
        parser.error(str(error))
    keep_freed_memory()
    torch.set_num_threads(given.threads)
    backbone = {"kind": "estimator"}
    if given.weights:
        backbone = {"kind": given.kind, "weights": given.weights}
        backbone |= {"name": "vgg19"} if given.kind == "torchvision" else {}
    pyramid = load_pyramid(
        TypeAdapter(BackboneSettings).validate_python(backbone), layout.ESTIMATORS, given.device
    )
    settings = AnalogySettings(device=given.device, threads=given.threads, working_side=given.side)
    print(f"{pyramid.name} at {', '.join(pyramid.layers)}; {given.threads} threads, {given.device}")
    if given.pairs:
        report("analogy_texture", texture(pairs, pyramid, settings))
        return
    report(
        "analogy",
        [
            *whole(pyramid, settings, given.side),
            *reconstructions(pyramid, settings),
            *search(pyramid, settings),
            *growth(given.device),
        ],
    )


def whole(pyramid: Pyramid, settings: AnalogySettings, side: int) -> list[Figure]:
    """A pair by default settings: time, memory, and which part of it takes how long."""
    before = peak_memory()
    found: list[Analogy] = []

    def made(side: int) -> None:
        found.append(make_analogy(*photographs(side), pyramid, settings))

    times = best_times(2, small=partial(made, SMALL), large=partial(made, side))
    seconds = min(
        (each.seconds for each in found if max(each.a_prime.shape) == side),
        key=lambda parts: sum(parts.values()),
    )
    total, said = sum(seconds.values()), f"the whole of {side}×{side}"
    return [
        cost(f"pair_{side}", times["large"], f"{SMALL}×{SMALL}", times["small"]),
        cost("memory", peak_memory(), "before any pair", before, "MB"),
        *(cost(f"part_{part}", value, said, total) for part, value in seconds.items()),
    ]


def reconstructions(pyramid: Pyramid, settings: AnalogySettings) -> list[Figure]:
    """Each way to reconstruct features: time, PSNR and error of places, where both are known."""
    pairs = [bent(image) for image in photographs(SMALL)]
    inverse = learned(pyramid)
    said = f"voted, {SMALL}×{SMALL}, {len(pairs)} photographs bent and recoloured"
    figures = []
    reference: dict[str, float] = {}
    for kind in RECONSTRUCTIONS:
        if kind == "learned" and not inverse:
            continue
        chosen = settings.model_copy(update={"reconstruction": kind})
        found = [make_analogy(p.a, p.b_prime, pyramid, chosen, inverse) for p in pairs]
        off = [each.backward - p.places for each, p in zip(found, pairs, strict=True)]
        values = {
            "s": [sum(each.seconds.values()) for each in found],
            "dB": [psnr(each.a_prime, p.wanted) for each, p in zip(found, pairs, strict=True)],
            "px": [np.hypot(each[..., 0], each[..., 1]).mean() for each in off],
        }
        means = {unit: float(np.mean(each)) for unit, each in values.items()}
        reference = reference or means
        figures += [
            cost(f"{kind}_{name}", means[unit], said, reference[unit], unit)
            for unit, name in (("s", "seconds"), ("dB", "psnr"), ("px", "error"))
        ]
    return figures


def search(pyramid: Pyramid, settings: AnalogySettings) -> list[Figure]:
    """The field search against trying every place, by Eq. 2's energy, on 56×56 cells."""
    maps = [_features(pyramid, image, settings.device) for image in photographs(CELLS * 8)]
    epsilon = softening(maps, 0.0)
    a, b = (described(each, epsilon) for each in maps)
    pair = match_pair([a, a], [b, b], PATCH)
    radius = max(pair.query.shape[:2])
    found: list[Field] = []
    times = best_times(
        2,
        exhaustive=lambda: exhaustive(pair),
        search=lambda: found.append(
            fields.improve(pair, fields.identity(pair), ROUNDS, radius, settings.seed)
        ),
    )
    best, ours = float(exhaustive(pair).mean()), float(found[0].score.mean())
    said = f"every place of {CELLS}×{CELLS} tried, by matrix products"
    # Of two terms, |x − y|² = 2 − 2 x·y each.
    return [
        cost("search_similarity", ours, said, best, "cosine"),
        cost("search_energy", 4 - 4 * ours, said, 4 - 4 * best, "energy"),
        cost("search_seconds", times["search"], said, times["exhaustive"]),
    ]


def growth(device: str) -> list[Figure]:
    """The search's time for each pixel and channel, with more of both."""
    runs = {each: searched(*each, device) for each in (BASE, *MORE_PIXELS, *MORE_CHANNELS)}
    times = best_times(2, **{_size(*each): run for each, run in runs.items()})
    nanoseconds = {each: 1e9 * times[_size(*each)] / (each[0] ** 2 * each[1]) for each in runs}
    said = f"{_size(*BASE)}, a value is one channel of one pixel"
    return [
        cost(f"search_{_size(*each)}", nanoseconds[each], said, nanoseconds[BASE], "ns/value")
        for each in (*MORE_PIXELS, *MORE_CHANNELS)
    ]


def searched(side: int, channels: int, device: str) -> Callable[[], None]:
    """Two rounds of search at the finest level's settings.

    Between noise and the same noise moved a little: noise and other noise has no matches that
    spread, which a search between photographs is full of.
    """
    draw = torch.Generator().manual_seed(0)
    query = functional.normalize(torch.randn(side, side, channels, generator=draw), dim=2)
    query = query.to(device)
    pair = match_pair([query], [query.roll((3, 5), (0, 1)).contiguous()], PATCH)
    start = fields.identity(pair)

    def run() -> None:
        found = fields.improve(pair, start, 2, 4, 0)
        if found.score.is_cuda:
            torch.cuda.synchronize()

    return run


def _size(side: int, channels: int) -> str:
    return f"{side}px_{channels}ch"


def exhaustive(pair: Pair) -> Tensor:
    """The largest similarity (H, W) that any place of the exemplar has to each pixel of the query.

    Written unlike the search: all products at once, then sums over the patch's offsets.
    """
    (height, width), (rows, columns) = pair.query.shape[:2], pair.keys.shape[:2]
    products = pair.query.flatten(0, 1) @ pair.keys.flatten(0, 1).T
    products = products.view(height, width, rows, columns)
    reach = int(pair.around.abs().max())
    total = torch.zeros_like(products)
    count = torch.zeros_like(products)
    edges = (reach,) * 8
    padded = functional.pad(products, edges)
    inside = functional.pad(torch.ones_like(products), edges)
    for down, right in pair.around.tolist():
        window = tuple(
            slice(reach + step, reach + step + length)
            for step, length in zip((down, right, down, right), products.shape, strict=True)
        )
        total += padded[window]
        count += inside[window]
    return (total / count).flatten(2).amax(2)


def learned(pyramid: Pyramid) -> Inverse | None:
    """The learned inverse, if there is one of these features."""
    try:
        return load_inverse(STORED, pyramid)
    except WeightsError as error:
        print(f"learned is left out: {error}")
        return None


def photographs(side: int) -> tuple[np.ndarray, np.ndarray]:
    """A cat's face and an astronaut's, (side, side, 3) u8."""
    cat, person = data.chelsea()[:, 75:375], data.astronaut()[:300, 75:375]
    images = [Image.fromarray(np.ascontiguousarray(image)) for image in (cat, person)]
    a, b = (np.array(each.resize((side, side), Image.Resampling.LANCZOS)) for each in images)
    return a, b


def bent(image: np.ndarray) -> Bent:
    """A second view of a photograph (H, W, 3) u8, moved and recoloured as one knows."""
    height, width = image.shape[:2]
    draw = np.random.default_rng(0)
    noise = gaussian_filter(draw.standard_normal((2, height, width)), (0, height / 8, width / 8))
    moved = BEND * max(height, width) * noise / noise.std()
    places = np.indices((height, width)) + moved
    places = places.clip(0, np.array([height - 1, width - 1])[:, None, None])
    mixed = (image / 255) @ np.array([[0.2, 0.3, 0.7], [0.2, 0.6, 0.1], [0.6, 0.1, 0.2]])
    wanted = 255 * mixed.clip(0, 1) ** 0.8
    b_prime = [map_coordinates(wanted[..., c], places, order=1, mode="nearest") for c in range(3)]
    shown = np.stack(b_prime, -1).round().astype(np.uint8)
    return Bent(image, shown, wanted.round().astype(np.uint8), np.moveaxis(places, 0, -1))


def _features(pyramid: Pyramid, image: np.ndarray, device: str) -> Tensor:
    """The level of an image that has 56 cells a side, (1, C, 56, 56)."""
    x = torch.from_numpy(image).to(device).permute(2, 0, 1)[None].float() / 255
    with torch.no_grad():
        return next(each for each in pyramid(x) if each.shape[-1] == CELLS)


if __name__ == "__main__":
    main()
