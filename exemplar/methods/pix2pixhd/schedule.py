"""How long and how fast a level is trained: the section of a level in `params.yaml`, in steps.

Read by `photographs` and `training`. Source: pix2pixHD, appendix A, and its released code.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import Field, model_validator

from exemplar.methods.pix2pixhd.objective import ObjectiveSettings
from exemplar.settings import Settings, SettingsError
from exemplar.training.images import steps_of
from exemplar.training.precision import Precision
from exemplar.training.steps import linear_decay


class LevelSettings(Settings):
    """How one level is trained; the defaults are the published ones of the global network."""

    unit: Literal["epochs", "steps"] = "epochs"
    """Of the three lengths."""
    plateau: float = Field(default=100, ge=0)
    """How long the learning rate stays."""
    decay: float = Field(default=100, ge=0)
    """How long it then falls, linearly, to zero."""
    frozen: float = Field(default=0, ge=0)
    """For how long, of all that, an enhancer learns alone; the global network has none of it."""
    rate: float = Field(default=2e-4, gt=0)
    batch: int = Field(default=1, ge=1)
    flip: bool = True
    """Mirror half of the images."""
    objective: ObjectiveSettings = ObjectiveSettings()
    collapse: float = Field(default=1e-4, ge=0)
    """The discriminators' loss below which training stops; 0 goes on regardless."""
    precision: Precision = "float32"
    """Of activations; weights and losses stay in float32."""
    compile: bool = False
    """Compile the networks: slower to start, faster to run."""
    threads: int = Field(default=1, ge=1)
    """CPU threads; part of the settings because sums depend on it in the last bits."""
    checkpoint_every: int = Field(default=100, ge=1)
    """Steps."""
    device: str = "cpu"
    """Or cuda."""
    devices: int = Field(default=1, ge=1)
    """How many of them, such as the GPUs of this machine; each sees its part of every batch."""
    seed: int = 0

    @model_validator(mode="after")
    def _divides(self) -> LevelSettings:
        if self.batch % self.devices:
            raise ValueError(
                f"expected a batch that {self.devices} devices can share equally, a multiple of "
                f"{self.devices}, got {self.batch}"
            )
        return self

    def identity(self) -> dict[str, Any]:
        """What weights depend on, to the last bits that compiling changes; JSON values.

        A training that stopped because of a collapse goes on when that is allowed, and one that is
        compiled goes on where one that was not has stopped.
        """
        return self.model_dump(mode="json", exclude={"collapse", "compile"})


class EnhancerLevelSettings(LevelSettings):
    """How an enhancer's level is trained: where nothing else is said, for half as long."""

    plateau: float = Field(default=50, ge=0)
    decay: float = Field(default=50, ge=0)
    frozen: float = Field(default=10, ge=0)


PUBLISHED = (LevelSettings(), EnhancerLevelSettings())
"""The released schedules of the global network and of an enhancer."""


@dataclass(frozen=True)
class Lengths:
    """A level's schedule in steps."""

    plateau: int
    decay: int
    frozen: int

    def factor(self, step: int) -> float:
        """The learning rate's."""
        return linear_decay(step, self.plateau, self.decay)


def lengths(settings: LevelSettings, images: int) -> Lengths:
    """The schedule in steps for so many images.

    Raises:
        SettingsError: there is nothing to train.
    """

    def steps(length: float) -> int:
        if settings.unit == "steps" or not length:
            return math.ceil(length)
        return steps_of(length, images, settings.batch)

    found = Lengths(steps(settings.plateau), steps(settings.decay), steps(settings.frozen))
    if not found.plateau + found.decay:
        raise SettingsError("expected plateau or decay above 0, got 0 for both: nothing to train")
    return found
