"""The settings of pix2pix: those of the main job, and the published ones as a preset."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, model_validator

from exemplar.settings import Settings
from exemplar.training.adversarial import Kind
from exemplar.training.precision import Precision
from exemplar.training.unet import UNetSettings

QUICK: dict[str, dict[str, Any]] = {
    "network": {"width": 24, "levels": 5, "noisy": 2, "upsampling": "nearest"},
    "discriminator": {"width": 24},
    "training": {
        "epochs": 2,
        "decay_epochs": 2,
        "batch": 2,
        "rate": 4e-4,
    },
}
"""For the main job: a minute on one core for a few hundred images of 96×96."""


class DiscriminatorSettings(Settings):
    """The size of the PatchGAN; as published by default."""

    width: int = Field(default=64, ge=1)
    layers: int = Field(default=3, ge=1)
    """Three judge patches of 70×70 pixels, two of 34×34, one of 16×16."""


class AdversarialSettings(Settings):
    """How to train; as published by default (section 6.2 and the authors' code)."""

    epochs: float = Field(default=100, ge=0)
    """At the full rate."""
    decay_epochs: float = Field(default=100, ge=0)
    """Thereafter, while the rate falls to 0."""
    batch: int = Field(default=1, ge=1)
    rate: float = Field(default=2e-4, gt=0)
    """Of Adam, for both networks."""
    momentum: float = Field(default=0.5, ge=0, lt=1)
    """β1 of Adam."""
    l1: float = Field(default=100, ge=0)
    """λ of Eq. 4, the weight of the absolute difference."""
    kind: Kind = "vanilla"
    """Of the adversarial loss."""
    zoom: float = Field(default=286 / 256, ge=1)
    """Images are magnified so and cropped at random."""
    flip: bool = True
    """Mirror half of the images."""
    precision: Precision = "float32"
    """Of activations; weights and losses stay in float32."""
    compile: bool = False
    """Compile the networks: slower to start, faster to run."""
    checkpoint_every: int = Field(default=100, ge=1)
    """Steps between checkpoints, lines of progress and sample pictures."""
    collapse: float = Field(default=1e-4, ge=0)
    """Training stops when the discriminator's loss stays below this; 0 goes on regardless."""
    device: str = "cpu"
    """Or cuda."""
    threads: int = Field(default=1, ge=1)
    """CPU threads; part of the settings because sums depend on it in the last bits."""
    seed: int = 0

    @model_validator(mode="after")
    def _trains(self) -> AdversarialSettings:
        if self.epochs + self.decay_epochs <= 0:
            raise ValueError("epochs and decay_epochs are both 0, so nothing would be learned")
        return self


class Pix2PixSettings(Settings):
    """The section `pix2pix` of `params.yaml`."""

    preset: Literal["quick", "published"] = "quick"
    """What holds for everything that is not said."""
    network: UNetSettings = UNetSettings()
    discriminator: DiscriminatorSettings = DiscriminatorSettings()
    training: AdversarialSettings = AdversarialSettings()
    samples: int = Field(default=4, ge=1)
    """Images of the split val (or of train, if it has none) pictured during training."""

    def identity(self) -> dict[str, Any]:
        """What weights depend on, to the last bits that compiling changes; JSON values.

        A training that stopped because of a collapse goes on when that is allowed, and one that is
        compiled goes on where one that was not has stopped.
        """
        left_out = {"samples": True, "training": {"collapse", "compile"}}
        return self.model_dump(mode="json", exclude=left_out)

    @model_validator(mode="before")
    @classmethod
    def _preset(cls, data: Any) -> Any:
        """Fills what is not said; the fields' own defaults are the published values."""
        if not isinstance(data, dict) or data.get("preset", "quick") != "quick":
            return data
        merged = dict(data)
        for name, values in QUICK.items():
            given = data.get(name, {})
            if isinstance(given, dict):
                merged[name] = values | given
        return merged
