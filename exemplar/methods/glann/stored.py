"""GLANN on a domain's stores: what it is trained on, and what its stages write beside weights.

Between the stages' files and the arrays of the other modules.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import cast

import numpy as np
import pandas as pd
import torch
from PIL import Image

from exemplar.methods.glann.codes import first_codes, read_codes
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


def files_of(path: Path) -> list[Path]:
    """The files of an earlier training: generator, config and codes.

    Raises:
        WeightsError: some are missing.
    """
    codes = path.with_name(path.name.removesuffix("glo.safetensors") + "codes.parquet")
    files = [path, path.with_suffix(".json"), codes]
    missing = [str(file) for file in files if not file.is_file()]
    if missing:
        raise WeightsError(
            f"glo.begin_from: no such file: {', '.join(missing)}; expected copies of generator, "
            "config and codes, outside of models/glann, where the stage writes"
        )
    return files


def earlier(path: Path, generator: Generator) -> None:
    """Loads an earlier training's generator into this one, of the same architecture.

    Raises:
        WeightsError: it is of another architecture.
    """
    found = load_generator(path)
    if found.config != generator.config:
        raise WeightsError(
            f"{path}: expected a generator of {generator.config}, got {found.config}; train from "
            "the beginning, or set glo.generator in params.yaml to what it was"
        )
    generator.load_state_dict(found.state_dict())


def earlier_codes(
    path: Path, ids: Sequence[str], dimensions: int, seed: int
) -> Callable[[slice], np.ndarray]:
    """The codes of an earlier training; of images that it did not have, as if from the beginning.

    Args:
        path: `<domain>-<seed>-codes.parquet`.
        ids: of all images.
        dimensions: d.
        seed: of codes of new images.

    Raises:
        WeightsError: the file is damaged, or has codes of another length.
    """
    names, known = read_codes(path)
    if known.shape[1] != dimensions:
        raise WeightsError(f"{path}: expected codes of {dimensions} values, got {known.shape[1]}")
    places = pd.Index(names)

    def codes(part: slice) -> np.ndarray:
        found = first_codes(ids[part], dimensions, seed)
        rows = places.get_indexer(pd.Index(ids[part]))
        found[rows >= 0] = known[rows[rows >= 0]]
        return found

    return codes


def loss_files(settings: ReconstructionSettings) -> list[Path]:
    """The files that a reconstruction loss depends on."""
    if settings.kind != "perceptual":
        return []
    weights = getattr(settings.backbone, "weights", layout.ESTIMATORS)
    return [weights] if isinstance(weights, Path) and weights.is_file() else []


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
