"""What trained models made, as stores: samples, ways between them, reconstructions, inversions.

Between the networks and codes that `glo`, `imle` and `glann_baselines` leave and what
`glann_evaluate` and the report read: a folder of Zarr groups for a domain and a training seed.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
import zarr
from torch import Tensor

from exemplar.methods.glann import interpolation
from exemplar.methods.glann.interpolation import interpolated
from exemplar.methods.glann.inversion import invert
from exemplar.methods.glann.looks import Look, Shown
from exemplar.methods.glann.losses import Reconstruction
from exemplar.methods.glann.model import METHODS, Method, Sampler, load_sampler
from exemplar.methods.glann.sampling import (
    Compared,
    Nearness,
    SamplesSettings,
    codes_of,
    draw,
    near_training,
)
from exemplar.methods.glann.training_images import TrainingImages, held_out, spread
from exemplar.store.arrays import (
    array,
    create_array,
    create_group,
    open_group,
    read_rows,
    read_slice,
    shard_slices,
    write_group,
    write_rows,
)
from exemplar.store.files import remove, written
from exemplar.training.images import seed_at


@dataclass(frozen=True)
class Making:
    """Everything that the stores are made from.

    Attributes:
        domain: whose.
        seed: of the training.
        settings: how many of what.
        training: the domain's training images and their codes.
        look: what is compared perceptually.
        loss: ℓ of Eq. 6.
    """

    domain: str
    seed: int
    settings: SamplesSettings
    training: TrainingImages
    look: Look
    loss: Reconstruction

    @property
    def noise_seed(self) -> int:
        """The seed of all noise."""
        return seed_at(self.seed, self.settings.seed)

    def sampler(self, method: Method) -> Sampler:
        """A method's trained model."""
        sampler = load_sampler(method, self.domain, self.seed, self.settings.device)
        self.training.fit(sampler.generator.side)
        return sampler

    def tell(self, what: str) -> None:
        """Says on standard error how far the work is."""
        print(f"{self.domain}-{self.seed}: {what}", file=sys.stderr, flush=True)


def make_samples(folder: Path, making: Making) -> None:
    """Writes every group that is not in a folder yet.

    Args:
        folder: of the groups; whole ones are kept, so work that was interrupted is gone on with.
        making: what they are made from.

    Raises:
        WeightsError: a model is missing or damaged.
        StoreError: the models were trained on images of another size.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for litter in folder.glob(".*.partial"):  # of one that was killed
        remove(litter)
    makers: dict[str, Callable[[Path, Making], None]] = {
        **{method: partial(write_samples, method) for method in METHODS},
        "glann": write_glann,
        "interpolations": write_interpolations,
        "reconstructions": write_reconstructions,
        "inversions": write_inversions,
    }
    for name, make in makers.items():
        path = folder / f"{name}.zarr"
        if not path.exists():
            making.tell(name)
            make(path, making)


def write_samples(method: Method, path: Path, making: Making) -> None:
    """Writes a method's group: `image` (count, H, W, 3)."""
    sampler = making.sampler(method)
    noise = draw(sampler, making.settings.count, making.noise_seed)
    with written(path) as unfinished:
        group = create_group(unfinished, _attributes(making, method))
        _write_images(group, sampler, codes_of(sampler, noise))


def write_glann(path: Path, making: Making) -> None:
    """Writes `glann.zarr`, and `training.zarr` and `held_out.zarr` beside it.

    GLANN's samples have their nearest training images with them; training and held-out images have
    theirs, so that it can be seen what is near. They are made together, for all training images
    have to be described for each.
    """
    settings, training, sampler = making.settings, making.training, making.sampler("glann")
    noise = draw(sampler, settings.count, making.noise_seed)
    codes = codes_of(sampler, noise)
    own = spread(training.rows, settings.references)
    others = spread(held_out(training.items), settings.references)
    attributes = _attributes(making, "glann") | {"perceptual_features": making.look.name}
    with written(path) as unfinished:
        group = create_group(unfinished, attributes)
        images = _write_images(group, sampler, codes)
        samples, known, fresh = near_training(
            [
                Compared(_shown(images, np.arange(settings.count)), codes.numpy()),
                Compared(_shown(training.images, own), training.codes_at(own), own),
                Compared(_shown(training.images, others)),
            ],
            training,
            making.look,
            settings.neighbours,
            making.tell,
        )
        arrays = {"noise": noise.numpy(), "code": codes.numpy()} | _near(samples)
        for name, values in arrays.items():
            write_rows(create_array(group, name, values.shape, values.dtype), 0, values)
        beside = {"training": (own, known), "held_out": (others, fresh)}
        for name, (rows, near) in beside.items():
            if len(rows):
                with written(path.with_name(f"{name}.zarr")) as side:
                    write_group(side, {"row": rows.astype(np.int32)} | _near(near))


def write_interpolations(path: Path, making: Making) -> None:
    """Writes `interpolations.zarr`: `image` (rows, steps, H, W, 3) between pairs of samples."""
    settings, sampler = making.settings, making.sampler("glann")
    noise = draw(sampler, 2 * settings.interpolations, making.noise_seed)
    made = interpolated(sampler, noise[::2], noise[1::2], settings.steps)
    attributes = _attributes(making, "glann") | {"interpolation": interpolation.KIND}
    with written(path) as unfinished:
        write_group(unfinished, {"image": made}, attributes)


def write_reconstructions(path: Path, making: Making) -> None:
    """Writes `reconstructions.zarr`: `image` (n, 2, H, W, 3), training images and G(z) of them."""
    sampler, training = making.sampler("glann"), making.training
    rows = spread(training.rows, making.settings.reconstructions)
    made = sampler.images(torch.from_numpy(training.codes_at(rows)))
    pairs = np.stack([read_rows(training.images, rows), made], 1)
    with written(path) as unfinished:
        attributes = _attributes(making, "glann") | {"rows": rows.tolist()}
        write_group(unfinished, {"image": pairs}, attributes)


def write_inversions(path: Path, making: Making) -> None:
    """Writes `inversions.zarr`: `image` (n, 2, H, W, 3), held-out images and G(T(e)) by Eq. 6.

    They are some of those of `held_out.zarr`, whose nearest training images are known; where
    nothing was held out, training images, and begun from others.
    """
    settings, sampler, training = making.settings, making.sampler("glann"), making.training
    known = path.with_name("held_out.zarr")
    group = open_group(known if known.exists() else path.with_name("training.zarr"))
    count = array(group, "row").shape[0]
    held, near = (
        read_slice(array(group, name), slice(0, count)) for name in ("row", "nearest_perceptual")
    )
    places = spread(np.arange(count), settings.inversions)
    rows, codes = held[places], training.codes_at(near[places, 0])
    wanted = read_rows(training.images, rows)
    found = invert(sampler, wanted, making.loss, settings.inversion, making.noise_seed, codes)
    arrays = {
        "image": np.stack([wanted, found.images], 1),
        "loss": found.loss,
        "start_loss": found.start,
        "noise": found.noise,
    }
    split = str(training.items["split"].iloc[rows[0]])
    attributes = _attributes(making, "glann") | {"rows": rows.tolist(), "split": split}
    with written(path) as unfinished:
        write_group(unfinished, arrays, attributes)


def _write_images(group: zarr.Group, sampler: Sampler, codes: Tensor) -> zarr.Array:
    """Adds the images of codes to a group; memory holds a shard of them."""
    side = sampler.generator.side
    images = create_array(group, "image", (len(codes), side, side, 3), "uint8")
    for part in shard_slices(images):
        write_rows(images, part.start, sampler.images(codes[part]))
    return images


def _shown(images: zarr.Array, rows: np.ndarray) -> Shown:
    """Images of some rows of an array."""
    return Shown(len(rows), lambda part: read_rows(images, rows[part]))


def _near(near: Nearness) -> dict[str, np.ndarray]:
    """The arrays of nearest training images in those spaces in which they are known."""
    arrays = {}
    for space, found in (("latent", near.latent), ("perceptual", near.perceptual)):
        if found is not None:
            arrays[f"nearest_{space}"] = found.rows
            arrays[f"nearest_{space}_distance"] = found.distances
    return arrays


def _attributes(making: Making, method: Method) -> dict[str, Any]:
    return {"method": method, "seed": making.seed}
