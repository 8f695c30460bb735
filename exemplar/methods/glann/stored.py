"""GLANN on a domain's stores: what it is trained on, and what its stages write beside weights.

Between the stages' files and the arrays of the other modules.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import cast

import numpy as np
import torch
from PIL import Image

from exemplar.methods.glann.codes import read_codes
from exemplar.methods.glann.generator import Generator
from exemplar.methods.glann.losses import Reconstruction, ReconstructionSettings, reconstruction
from exemplar.methods.glann.model import load_generator, to_bytes
from exemplar.store import layout
from exemplar.store.arrays import StoreError, array, open_group, working_copy
from exemplar.store.files import written
from exemplar.store.items import read_items, rows_of
from exemplar.store.weights import WeightsError

PART = 4096
"""Images looked at a time."""


def inputs(domain: str) -> tuple[Path, Path]:
    """The stores that models are made from."""
    return layout.images(domain), layout.items(domain)


def training_images(domain: str, folder: Path) -> tuple[Sequence[str], np.ndarray]:
    """A domain's training images, as a memory map in a folder.

    Returns:
        Their ids, and (N, H, W, C) u8; C is 1 if all of them are grey, else 3.

    Raises:
        StoreError: there are fewer than two, or they are not square.
    """
    items = read_items(layout.items(domain))
    rows = rows_of(items, "train")
    stored = array(open_group(layout.images(domain), "image"), "image")
    height, width = stored.shape[1:3]
    if len(rows) < 2 or height != width:
        raise StoreError(
            f"{layout.images(domain)}: expected at least two training images, square ones; got "
            f"{len(rows)} of {width}×{height}; see domains.{domain} in params.yaml"
        )
    folder.mkdir(parents=True, exist_ok=True)
    images = working_copy(stored, rows, folder / "images.npy")
    # Of a million images, a list would take far more memory than the column.
    ids = items["id"].iloc[rows].astype("string[pyarrow]").reset_index(drop=True)
    return cast(Sequence[str], ids), images[..., : channels_of(images)]


def channels_of(images: np.ndarray) -> int:
    """1 if every image (N, H, W, 3) is grey, 3 otherwise."""
    for start in range(0, len(images), PART):
        some = images[start : start + PART]
        if not (some == some[..., :1]).all():
            return 3
    return 1


def loss_of(
    settings: ReconstructionSettings, side: int
) -> Callable[[torch.device | str], Reconstruction]:
    """What makes the reconstruction loss on a device; can be sent to other processes."""
    return _Loss(settings, side)


class _Loss:
    def __init__(self, settings: ReconstructionSettings, side: int) -> None:
        self.settings, self.side = settings, side

    def __call__(self, device: torch.device | str) -> Reconstruction:
        return reconstruction(self.settings, self.side, layout.ESTIMATORS, device)


def earlier(path: Path, generator: Generator) -> dict[str, np.ndarray]:
    """Loads an earlier training's generator into this one, and gives its codes by id.

    Args:
        path: `<domain>-<seed>-glo.safetensors`, with `<domain>-<seed>-codes.parquet` beside it.
        generator: of the same architecture; changed in place.

    Raises:
        WeightsError: a file is missing, or of another architecture.
    """
    found = load_generator(path)
    if found.config != generator.config:
        wanted, given = ({k: c[k] for k in c} for c in (generator.config, found.config))
        raise WeightsError(
            f"{path}: expected a generator of {wanted}, got {given}; train from the beginning, or "
            "set glo.generator in params.yaml to what it was"
        )
    generator.load_state_dict(found.state_dict())
    codes = path.with_name(path.name.removesuffix("glo.safetensors") + "codes.parquet")
    return dict(zip(*read_codes(codes), strict=True))


class Pictures:
    """Writes pictures of a training: some images above their reconstructions.

    Args:
        images: (n, H, W, C) u8.
        rows: of the images among the codes.
        folder: of the pictures, `<step>.png`.
    """

    def __init__(self, images: np.ndarray, rows: np.ndarray, folder: Path) -> None:
        self.images, self.rows, self.folder = images, rows, folder

    def __call__(self, generator: Generator, codes: np.ndarray, done: int) -> None:
        """Writes the picture of a generator, in evaluation mode, after so many steps."""
        device = next(generator.parameters()).device
        with torch.inference_mode():
            made = to_bytes(generator(torch.from_numpy(codes[self.rows]).to(device)))
        truth = np.broadcast_to(self.images, made.shape)
        picture = np.concatenate([np.concatenate(list(row), 1) for row in (truth, made)], 0)
        with written(self.folder / f"{done:07d}.png") as partial:
            Image.fromarray(picture).save(partial, format="PNG")
