"""`exemplar sample`: images from noise by GLANN, and what they are near to, as files."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import faiss
import numpy as np
import pandas as pd
import torch
from PIL import Image

from exemplar.data.problems import Problems, raise_all
from exemplar.methods.glann.interpolation import interpolated
from exemplar.methods.glann.inversion import Inverted, invert
from exemplar.methods.glann.looks import Shown
from exemplar.methods.glann.losses import Reconstruction
from exemplar.methods.glann.provenance import percentiles
from exemplar.methods.glann.requests import Model, Request, checked
from exemplar.methods.glann.sampling import Compared, Nearness, codes_of, draw, near_training
from exemplar.methods.glann.training_images import TrainingImages, spread
from exemplar.report.pictures import contact_sheet
from exemplar.store.arrays import read_rows
from exemplar.store.files import content_hash
from flows.delivery import delivered, tell_replaced
from flows.places import check_places, check_room
from flows.records import Place

RECORD = "sample.json"
BYTES = 8  # that a sample's pixel takes, in all files together

SHEET = 100  # samples on the contact sheet, at most
PICTURED = 16  # samples pictured with their nearest training images, at most
BESIDE = 3  # of these in each space, at most
SIDE = 96  # pixels to which small images are enlarged on sheets


def sample(request: Request, out: Path) -> list[Path]:
    """Writes samples and what they are near to.

    Of each sample `sample-<n>.png`; `contact-sheet.png` of the first hundred; `sources.csv` with
    the nearest training images of each, in the latent space and by their looks; `sources.png` of
    the first ones. If asked for, `interpolation-<a>-<b>.png`; and `inversion-<name>.png` of each
    image, with `inversions.png` and `inversions.csv` of all. `sample.json` lists them.

    Args:
        request: what to make.
        out: a folder; results of earlier runs are replaced, other files never.

    Returns:
        The files written, without the list.

    Raises:
        RequestError: there is no such model, weights are missing, an image cannot be read, an
            interpolation has no ends, results cannot be written to `out`, or files would be lost;
            every problem, and nothing was written.
    """
    place = Place(out, RECORD, _names(request), "sample")
    problems: Problems = []
    check_places(out, [place], request.invert, problems)
    model, images = checked(request, problems)
    check_room(out, request.count * model.sampler.generator.side**2 * BYTES, problems)
    raise_all(problems)
    asked = [request.domain, request.count, request.seed, request.model_seed, request.interpolate]
    origin = content_hash(*request.invert, [*map(str, request.invert)], asked)
    tell_replaced(place, origin)
    with delivered(place, origin) as folder:
        made = _make(request, model, images, folder)
    return [out / path.name for path in made]


def _names(request: Request) -> frozenset[str]:
    """All files that are written."""
    names = _numbers(request)
    made = [f"sample-{name}.png" for name in names]
    if request.interpolate:
        made += [_way(names, first) for first in range(0, request.count - 1, 2)]
    if request.invert:
        made += [f"inversion-{path.stem}.png" for path in request.invert]
        made += ["inversions.png", "inversions.csv"]
    return frozenset([*made, "contact-sheet.png", "sources.png", "sources.csv"])


def _numbers(request: Request) -> list[str]:
    """What the samples are called."""
    digits = max(3, len(str(request.count)))
    return [f"{number:0{digits}d}" for number in range(1, request.count + 1)]


def _way(names: list[str], first: int) -> str:
    """The file of the way from a sample to the next."""
    return f"interpolation-{names[first]}-{names[first + 1]}.png"


def _make(request: Request, model: Model, images: np.ndarray, out: Path) -> list[Path]:
    """Makes everything, in an empty folder."""
    sampler, training, settings = model.sampler, model.training, model.settings
    torch.set_num_threads(settings.threads)
    faiss.omp_set_num_threads(settings.threads)
    noise = draw(sampler, request.count, request.seed)
    codes = codes_of(sampler, noise)
    samples = Shown(request.count, lambda part: sampler.images(codes[part]))
    known = spread(training.rows, settings.references)
    near, usual, like = near_training(
        [
            Compared(samples, codes.numpy()),
            Compared(
                Shown(len(known), lambda part: read_rows(training.images, known[part])),
                training.codes_at(known),
                known,
            ),
            Compared(Shown(len(images), lambda part: images[part])),
        ],
        training,
        model.look,
        settings.neighbours,
        lambda text: print(text, file=sys.stderr, flush=True),
    )
    names = _numbers(request)
    made = []
    if request.interpolate:
        made += _interpolations(out, model, noise, names)
    if model.loss is not None:
        made += _inversions(out, model, model.loss, request, images, like)
    sheet = _sheet(samples.images(slice(0, SHEET)), names[:SHEET], 10)
    made = [
        *(_save(out / f"sample-{name}.png", image) for name, image in _each(samples, names)),
        _save(out / "contact-sheet.png", sheet),
        _save(out / "sources.png", _neighbours(samples, names, near, training)),
        *made,
    ]
    table = _sources(names, near, usual, training)
    table.to_csv(out / "sources.csv", index=False, float_format="%.5f")
    return [*made, out / "sources.csv"]


def _interpolations(
    out: Path, model: Model, noise: torch.Tensor, names: list[str]
) -> Iterator[Path]:
    """Writes the ways between pairs of samples."""
    steps = model.settings.steps
    for first in range(0, len(noise) - 1, 2):
        pair = noise[first : first + 1], noise[first + 1 : first + 2]
        images = interpolated(model.sampler, *pair, steps)[0]
        yield _save(out / _way(names, first), _sheet(images, [""] * steps, steps))


def _inversions(
    out: Path,
    model: Model,
    loss: Reconstruction,
    request: Request,
    images: np.ndarray,
    like: Nearness,
) -> list[Path]:
    """Writes what the model makes most like given images."""
    near = like.perceptual.rows[:, 0]
    found: Inverted = invert(
        model.sampler,
        images,
        loss,
        model.settings.inversion,
        request.seed,
        model.training.codes_at(near),
    )
    made = [
        _save(out / f"inversion-{path.stem}.png", image)
        for path, image in zip(request.invert, found.images, strict=True)
    ]
    pairs = np.stack([images, found.images], 1).reshape(-1, *images.shape[1:])
    captions = [text for loss in found.loss for text in ("given", f"loss {loss:.3f}")]
    made.append(_save(out / "inversions.png", _sheet(pairs, captions, 8)))
    table = pd.DataFrame(
        {
            "image": [str(path) for path in request.invert],
            "loss": found.loss,
            "start_loss": found.start,
            "noise_length": np.linalg.norm(found.noise, axis=1),
            "usual_length": model.sampler.noise**0.5,
            "nearest": model.training.items["id"].to_numpy()[near],
            "distance": like.perceptual.distances[:, 0],
        }
    )
    table.to_csv(out / "inversions.csv", index=False, float_format="%.5f")
    return [*made, out / "inversions.csv"]


def _sources(
    names: list[str], near: Nearness, usual: Nearness, training: TrainingImages
) -> pd.DataFrame:
    """A line for each sample, space and neighbour."""
    parts = []
    for space, found, others in (
        ("latent", near.latent, usual.latent),
        ("perceptual", near.perceptual, usual.perceptual),
    ):
        assert found is not None  # samples have codes
        assert others is not None  # and so have training images
        count = found.rows.shape[1]
        items = training.items.iloc[found.rows.ravel()]
        columns = {
            "sample": np.repeat([f"sample-{name}.png" for name in names], count),
            "space": space,
            "place": np.tile(np.arange(1, count + 1), len(names)),
            "id": items["id"].to_numpy(),
            "source": items["source"].to_numpy(),
            "licence": items["licence"].to_numpy(),
            "distance": found.distances.ravel(),
            "percentile": 100 * percentiles(found.distances.ravel(), others.distances[:, 0]),
        }
        parts.append(pd.DataFrame(columns))
    return pd.concat(parts).sort_values(["sample", "space", "place"], kind="stable")


def _neighbours(
    samples: Shown, names: list[str], near: Nearness, training: TrainingImages
) -> np.ndarray:
    """Samples with their nearest training images beside them, by code and by look."""
    assert near.latent is not None
    images, captions = [], []
    beside = min(BESIDE, near.perceptual.rows.shape[1])
    for place, image in enumerate(samples.images(slice(0, PICTURED))):
        images.append(image)
        captions.append(names[place])
        for space, found in (("code", near.latent), ("look", near.perceptual)):
            images += list(read_rows(training.images, found.rows[place, :beside]))
            captions += [f"{space} {apart:.2f}" for apart in found.distances[place, :beside]]
    return _sheet(np.stack(images), captions, 1 + 2 * beside)


def _sheet(images: np.ndarray, captions: list[str], columns: int) -> np.ndarray:
    """A contact sheet, on which small images are enlarged."""
    factor = max(1, -(-SIDE // images.shape[1]))
    return contact_sheet(list(images.repeat(factor, 1).repeat(factor, 2)), captions, columns)


def _each(samples: Shown, names: list[str]) -> Iterator[tuple[str, np.ndarray]]:
    """Names and images of all samples; memory holds a few."""
    for start in range(0, samples.count, 64):
        part = slice(start, start + 64)
        yield from zip(names[part], samples.images(part), strict=True)


def _save(path: Path, image: np.ndarray) -> Path:
    Image.fromarray(image).save(path, format="PNG")
    return path
