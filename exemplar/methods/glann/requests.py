"""What a user asks of a trained model, checked: all networks and all images that are needed.

Before anything is made, so that all that is wrong is told at once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from PIL import Image

from exemplar.data.fit import fitted
from exemplar.data.pictures import read_picture
from exemplar.data.problems import RequestError
from exemplar.methods.glann.looks import Look, load_look
from exemplar.methods.glann.losses import Reconstruction, reconstruction
from exemplar.methods.glann.model import Sampler, load_sampler
from exemplar.methods.glann.sampling import SamplesSettings
from exemplar.methods.glann.settings import GloSettings
from exemplar.methods.glann.training_images import TrainingImages, open_training
from exemplar.settings import load_params, section
from exemplar.store import layout

Loaded = TypeVar("Loaded")


@dataclass(frozen=True)
class Request:
    """What is asked for.

    Attributes:
        domain: whose model.
        count: samples.
        seed: of the noise; the first samples do not depend on how many are made.
        model_seed: of the training.
        interpolate: whether to make the ways from the first sample to the second, from the third
            to the fourth, and so on.
        invert: image files for which noise is sought (Eq. 6).
    """

    domain: str
    count: int
    seed: int = 0
    model_seed: int = 0
    interpolate: bool = False
    invert: tuple[Path, ...] = ()


@dataclass(frozen=True)
class Model:
    """A trained model with what it was trained on.

    Attributes:
        sampler: of GLANN.
        training: the training images.
        look: what is compared where images are compared by how they look.
        loss: of Eq. 6, if there are images to invert.
        settings: of samples.
    """

    sampler: Sampler
    training: TrainingImages
    look: Look
    loss: Reconstruction | None
    settings: SamplesSettings


def checked(request: Request, known: Sequence[str] = ()) -> tuple[Model, np.ndarray]:
    """Reads everything that was asked for, with every network that is needed to make it.

    Args:
        request: what to make.
        known: what is wrong already, to be told with the rest.

    Returns:
        The model, and the images to be inverted, (n, H, W, 3) u8, as those that it makes.

    Raises:
        RequestError: there is no such model, weights are missing, an image cannot be read, an
            interpolation has no ends; every problem.
    """
    problems = list(known)
    if request.interpolate and request.count < 2:
        problems.append(f"--interpolate: needs two samples or more, got --count {request.count}")
    stems = Counter(path.stem for path in request.invert)
    if repeated := [name for name, times in stems.items() if times > 1]:
        problems.append(
            f"--invert: images are told apart by their names, but {', '.join(repeated)} came more "
            "than once; rename them or use two runs"
        )
    params = _tried(load_params, problems)
    model = None if params is None else _model(request, params, problems)
    photographs = []
    for path in request.invert:
        if (picture := read_picture(path, problems)) is not None:
            photographs.append(Image.fromarray(picture.image))
    if problems or params is None or model is None:
        # The same weights may be missing twice: of the look and of the loss.
        raise RequestError("\n".join(dict.fromkeys(problems)))
    side = model.sampler.generator.side
    fit = params.get("domains", {}).get(request.domain, {}).get("fit")
    images = [_fitted(each, model, padded=fit == "pad") for each in photographs]
    return model, np.array(images, np.uint8).reshape(-1, side, side, 3)


def _tried(load: Callable[[], Loaded], problems: list[str]) -> Loaded | None:
    """What can be loaded; notes why it cannot."""
    try:
        return load()
    except ValueError as error:  # settings, stores and weights that are missing or damaged
        problems.append(str(error))
        return None


def _model(request: Request, params: dict[str, Any], problems: list[str]) -> Model | None:
    """Everything of a model, as far as it is there; notes all that is not."""
    settings = _tried(lambda: section(params, "glann_samples", SamplesSettings), problems)
    if settings is None:
        return None
    look = _tried(lambda: load_look(settings.perceptual, settings.device), problems)
    found = _tried(lambda: _trained(request, settings), problems)
    if found is None:
        return None
    sampler, training = found
    loss = None
    if request.invert:
        side = sampler.generator.side
        loss = _tried(lambda: _loss(params, side, settings.device), problems)
    return None if look is None else Model(sampler, training, look, loss, settings)


def _loss(params: dict[str, Any], side: int, device: str) -> Reconstruction:
    """What generators were trained by.

    Raises:
        ValueError: its settings are wrong, or weights are missing or do not fit.
    """
    glo = section(params, "glo", GloSettings)
    return reconstruction(glo.loss, side, layout.ESTIMATORS, device)


def _trained(request: Request, settings: SamplesSettings) -> tuple[Sampler, TrainingImages]:
    """The networks, and what they were trained on.

    Raises:
        ValueError: something of it is missing or damaged.
    """
    for part in ("glo", "imle"):
        path = layout.glann(request.domain, request.model_seed, part)
        if not path.is_file():
            trained = sorted(
                each.name.removesuffix("-imle.safetensors")
                for each in path.parent.glob("*-imle.safetensors")
            )
            raise RequestError(
                f"{path}: no such file; `exemplar reproduce imle@{request.domain}-"
                f"{request.model_seed}` makes it, once {request.domain} is in run.sampled and "
                f"{request.model_seed} in run.seeds of params.yaml; trained are "
                f"{', '.join(trained) or 'none'}"
            )
    sampler = load_sampler("glann", request.domain, request.model_seed, settings.device)
    training = open_training(request.domain, request.model_seed)
    training.fit(sampler.generator.side)
    return sampler, training


def _fitted(photograph: Image.Image, model: Model, padded: bool) -> np.ndarray:
    """A photograph (H, W, 3) u8 as those of the domain are made: a square, of its size and colours.

    It is the central square, or where the domain says `fit: pad`, all of it amid white.
    """
    if model.sampler.generator.channels == 1:
        photograph = photograph.convert("L").convert("RGB")
    side = model.sampler.generator.side
    return np.asarray(fitted(photograph, (side, side), "pad" if padded else "crop"))
