"""The networks of pix2pixHD together: built, grown by one enhancer, saved and loaded.

Between the parts (`generators`, `encoder`, discriminators) and what uses them: `training` here,
`sampling` and `editing` at the end.
"""

from __future__ import annotations

from pathlib import Path

import torch
from pydantic import Field, TypeAdapter, ValidationError
from torch import Tensor, nn

from exemplar.methods.pix2pixhd.encoder import EncoderSettings, InstanceEncoder
from exemplar.methods.pix2pixhd.encoding import encode
from exemplar.methods.pix2pixhd.generators import Generator, GeneratorSettings
from exemplar.methods.pix2pixhd.unet import UNetGenerator
from exemplar.settings import Settings
from exemplar.store.weights import WeightsError, fit_weights, load_weights, save_weights
from exemplar.training.patchgan import MultiScale
from exemplar.training.precision import Precision, autocast
from exemplar.training.unet import UNetSettings


class DiscriminatorSettings(Settings):
    """Sizes of the discriminators; the defaults are the published ones."""

    scales: int = Field(default=2, ge=1)
    """Discriminators of the global network's images; each enhancer brings a finer one."""
    width: int = Field(default=64, ge=1)
    layers: int = Field(default=3, ge=1)
    """Three see patches of 70 x 70 pixels."""


class NetworkSettings(Settings):
    """Architecture; the defaults are the published one for 2048 x 1024."""

    generator: GeneratorSettings = GeneratorSettings()
    discriminators: DiscriminatorSettings = DiscriminatorSettings()
    encoder: EncoderSettings | None = EncoderSettings()
    """Without it, objects have no styles."""
    unet: UNetSettings | None = None
    """A U-Net in place of the global network; it has no enhancers."""


class Pix2pixHD(nn.Module):
    """Generator, discriminators and instance encoder at one level of coarse to fine.

    Attributes:
        settings: of the whole architecture, with all enhancers.
        classes: their names; labels are their places.
        level: how many enhancers there are yet.
        precision: of the images that it makes once trained, as in training.
        generator: reads layouts and features.
        discriminators: read layouts and images.
        encoder: sees features in photographs; None without styles.
    """

    def __init__(self, settings: NetworkSettings, classes: tuple[str, ...], level: int) -> None:
        """Builds the networks with random weights.

        Args:
            settings: architecture.
            classes: names.
            level: 0 is the global network alone.

        Raises:
            ValueError: there are not so many enhancers.
        """
        super().__init__()
        self.precision: Precision = "float32"
        most = 0 if settings.unet else settings.generator.enhancers
        if not 0 <= level <= most:
            raise ValueError(f"expected a level from 0 to {most}, the enhancers, got {level}")
        self.settings, self.classes, self.level = settings, tuple(classes), level
        channels = len(classes) + 1
        features = settings.encoder.features if settings.encoder else 0
        size = settings.generator.model_copy(update={"enhancers": level})
        self.generator = (
            UNetGenerator(channels + features, settings.unet)
            if settings.unet
            else Generator(channels + features, size)
        )
        judges = settings.discriminators
        self.discriminators = MultiScale(
            judges.scales + level,
            channels=channels + 3,
            width=judges.width,
            layers=judges.layers,
            norm="instance",
            padding=2,
        )
        self.encoder = InstanceEncoder(settings.encoder) if settings.encoder else None

    def forward(self, labels: Tensor, instances: Tensor, features: Tensor | None) -> Tensor:
        """Images of layouts.

        Args:
            labels: (B, H, W) integers.
            instances: (B, H, W) integers.
            features: (B, F, H, W) of each pixel's object; None without an encoder.

        Returns:
            (B, 3, H, W) in [-1, 1], of the same size.
        """
        x = encode(labels, instances, len(self.classes))
        # Without a GPU float16 is emulated, ten times slower than what it is to be faster than.
        emulated = self.precision == "float16" and x.device.type == "cpu"
        with autocast("bfloat16" if emulated else self.precision, x.device):
            return self.generator(x if features is None else torch.cat([x, features], 1)).float()


def grown(model: Pix2pixHD) -> Pix2pixHD:
    """The model with one enhancer and one finer discriminator more; all else as it was learned.

    Args:
        model: of any level but the last.

    Returns:
        A new model of the next level; what is new has random weights.

    Raises:
        ValueError: it has all its enhancers.
    """
    larger = Pix2pixHD(model.settings, model.classes, model.level + 1)
    larger.generator.load_state_dict(model.generator.state_dict(), strict=False)
    larger.discriminators.scales[1:].load_state_dict(model.discriminators.scales.state_dict())
    if larger.encoder and model.encoder:
        larger.encoder.load_state_dict(model.encoder.state_dict())
    return larger


def save_model(path: Path | str, model: Pix2pixHD) -> None:
    """Writes weights and, beside them, the architecture."""
    config = {
        "network": model.settings.model_dump(),
        "classes": list(model.classes),
        "level": model.level,
        "precision": model.precision,
    }
    save_weights(path, model.state_dict(), config)


def load_model(path: Path | str, device: torch.device | str = "cpu") -> Pix2pixHD:
    """Reads what `save_model` wrote.

    Returns:
        The model, in evaluation mode.

    Raises:
        WeightsError: a file is missing, damaged, or of another network.
    """
    state, config = load_weights(path)
    try:
        settings = NetworkSettings.model_validate(config["network"])
        model = Pix2pixHD(settings, tuple(config["classes"]), config["level"])
        model.precision = TypeAdapter(Precision).validate_python(config["precision"])
    except (KeyError, TypeError, ValueError, ValidationError) as error:
        raise WeightsError(f"{path}: not a pix2pixHD model: {error}") from error
    fit_weights(model, state, str(path))
    return model.to(device).to(memory_format=torch.channels_last).eval()
