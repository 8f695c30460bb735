"""What a user asks of a trained model, checked: the model and all images that are needed.

Before anything is made, so that all that is wrong is told at once.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from exemplar.data.crops import central_square, padded_square, resized
from exemplar.data.inputs import BadPhoto
from exemplar.data.pixels import decode
from exemplar.methods.glann.model import Sampler, load_sampler
from exemplar.methods.glann.sampling import SamplesSettings
from exemplar.methods.glann.trained import TrainingImages, open_training
from exemplar.settings import load_params, section
from exemplar.store import layout


class RequestError(ValueError):
    """What was asked for cannot be made; the text says everything that is wrong."""


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
        params: all settings, unchecked.
        settings: of samples.
    """

    sampler: Sampler
    training: TrainingImages
    params: dict[str, Any]
    settings: SamplesSettings


def checked(request: Request) -> tuple[Model, np.ndarray]:
    """Reads everything that was asked for.

    Args:
        request: what to make.

    Returns:
        The model, and the images to be inverted, (n, H, W, 3) u8, as those that it makes.

    Raises:
        RequestError: there is no such model, an image cannot be read, or an interpolation has no
            ends; every problem.
    """
    problems = []
    if request.interpolate and request.count < 2:
        problems.append(f"--interpolate: needs two samples or more, got --count {request.count}")
    stems = Counter(path.stem for path in request.invert)
    if repeated := [name for name, times in stems.items() if times > 1]:
        problems.append(
            f"--invert: images are told apart by their names, but {', '.join(repeated)} came more "
            "than once; rename them or use two runs"
        )
    model = None
    try:
        model = _model(request)
    except ValueError as error:  # settings, stores and weights that are missing or damaged
        problems.append(str(error))
    photographs = []
    for path in request.invert:
        try:
            photographs.append(decode(path.read_bytes()))
        except FileNotFoundError:
            problems.append(f"{path}: no such file")
        except (BadPhoto, OSError) as error:
            problems.append(f"{path}: {error}")
    if problems or model is None:
        raise RequestError("\n".join(problems))
    side = model.sampler.generator.side
    fitted = [_fitted(each, model, request.domain) for each in photographs]
    return model, np.array(fitted, np.uint8).reshape(-1, side, side, 3)


def _model(request: Request) -> Model:
    params = load_params()
    settings = section(params, "glann_samples", SamplesSettings)
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
    return Model(sampler, training, params, settings)


def _fitted(photograph: Image.Image, model: Model, domain: str) -> np.ndarray:
    """A photograph (H, W, 3) u8 as those of the domain are made: a square, of its size and colours.

    It is the central square, or where the domain says `fit: pad`, all of it amid white.
    """
    if model.params.get("domains", {}).get(domain, {}).get("fit") == "pad":
        photograph = padded_square(photograph)
    if model.sampler.generator.channels == 1:
        photograph = photograph.convert("L").convert("RGB")
    return resized(photograph, central_square(*photograph.size), model.sampler.generator.side)
