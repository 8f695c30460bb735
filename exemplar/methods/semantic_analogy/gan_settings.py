"""What a user may turn in the conditional single-image GAN: `gan` of the section `layout`.

Three presets say what holds for everything that is not said.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, model_validator

from exemplar.features.backbone import BackboneSettings, EstimatorTrunkSettings
from exemplar.methods.semantic_analogy.augmentation import AugmentationSettings
from exemplar.methods.semantic_analogy.classifier import ClassifierSettings
from exemplar.methods.semantic_analogy.coherence import CoherenceSettings
from exemplar.methods.semantic_analogy.discriminator import DiscriminatorSettings
from exemplar.methods.semantic_analogy.generator import GeneratorSettings
from exemplar.methods.semantic_analogy.objective import Weights
from exemplar.settings import Settings

Preset = Literal["fast", "paper", "released"]
Code = Literal["onehot", "colours"]

PRESETS: dict[Preset, dict[str, Any]] = {
    "paper": {},
    "released": {
        "code": "colours",
        "generator": {"decoder": True, "ratio": "plain", "guard": 1e-14},
        "discriminator": {"kind": "pyramid"},
        "coherence": {"sides": (3, 1), "nearest": 5, "same_class": False},
        "augmentation": {"degrees": 0.0, "bend": 0.02, "ramp": 0.4},
        "weights": {"reconstruction": 5.0},
        "training": {
            "iterations": 2500, "plateau": 0.4, "last": 0.1,
            "rate": 0.005, "discriminator_rate": 0.02, "classifier_rate": 0.01,
            "betas": (0.0, 0.9), "reconstruct_every": 5, "reconstructs": "varied",
            "judged_after": True, "classifier_learns": "reconstruction",
            "semantic_gradient": False, "noise": 1 / 127.5, "swapped": 0.5,
        },
    },
    "fast": {
        "generator": {"width": 24, "decoder": True, "fixed_point": "exact"},
        "discriminator": {"width": 16, "stages": 2},
        "classifier": {"width": 8, "blocks": (1, 1, 1, 1), "rates": (2, 4, 8)},
        "coherence": {"counts": (32, 16), "every": 4},
        "augmentation": {
            "enlarge": 0.4, "reduce": 0.3, "bend": 0.08, "points": 4, "pasted": 0.5, "ramp": 0.3,
        },
        "weights": {
            "reconstruction": 10.0, "varied": 10.0, "adversarial": 0.2, "semantic": 0.2,
            "patch": 4.0,
        },
        "training": {
            "iterations": 2500, "generator_steps": 1, "reconstruct_every": 4,
            "rate": 0.002, "discriminator_rate": 0.001, "classifier_rate": 0.002,
            "plateau": 0.5, "last": 0.05, "classifier_every": 3,
        },
    },
}  # fmt: skip
"""What differs from the paper: in its authors' released code, and in our own schedule."""


class GanTraining(Settings):
    """How long and how fast a GAN is trained; as in the paper by default (section 4.1)."""

    iterations: int = Field(default=2000, ge=1)
    """Each is one varied image, one step of the discriminator, and some of the generator."""
    generator_steps: int = Field(default=10, ge=1)
    """Of each iteration."""
    judged_after: bool = False
    """Whether the discriminator learns at the end of an iteration too."""
    reconstruct_every: int = Field(default=10, ge=2)
    """Of so many iterations the last is in reconstruction mode, the others in sampling mode."""
    reconstructs: Literal["source", "varied"] = "source"
    """What is made in reconstruction mode: the source from itself (Eq. 11), or the varied image
    from the source, as released."""
    rate: float = Field(default=5e-4, gt=0)
    """Of Adam, for the generator."""
    discriminator_rate: float = Field(default=5e-4, gt=0)
    classifier_rate: float = Field(default=5e-4, gt=0)
    betas: tuple[float, float] = (0.5, 0.999)
    """Of Adam; the paper does not say."""
    plateau: float = Field(default=1.0, ge=0, le=1)
    """The share of the iterations at the full rates; then they fall linearly."""
    last: float = Field(default=0.0, ge=0, le=1)
    """What they fall to, as a share."""
    semantic_gradient: bool = True
    """Whether the generator learns from the classifier; in the released code it does not."""
    classifier_learns: Literal["sampling", "reconstruction"] = "sampling"
    """The mode in which the classifier is trained."""
    classifier_every: int = Field(default=1, ge=1)
    """Iterations from one step of the classifier to the next."""
    noise: float = Field(default=0.0, ge=0)
    """Largest noise on the generator's input, in its scale from -1 to 1."""
    swapped: float = Field(default=0.0, ge=0, le=1)
    """The share of iterations in which the source is made from the varied image instead."""
    average: float = Field(default=0.0, ge=0, lt=1)
    """Of the generator's weights over steps: how much of the average each step keeps; 0 takes the
    weights of the last step."""
    precision: Literal["float32", "bfloat16"] = "float32"
    """Of activations; weights, Eqs. 4 to 6 and losses stay in float32."""
    checkpoint_every: int = Field(default=100, ge=1)
    """Iterations between checkpoints, lines of progress and previews."""


class GanSettings(Settings):
    """How a GAN is learned from a single image."""

    preset: Preset = "fast"
    """What holds for everything that is not said: our own schedule, the paper's, or that of the
    released code."""
    code: Code = "onehot"
    """How labels are put to networks: a channel a class, or colours, as released."""
    generator: GeneratorSettings = GeneratorSettings()
    discriminator: DiscriminatorSettings = DiscriminatorSettings()
    classifier: ClassifierSettings = ClassifierSettings()
    coherence: CoherenceSettings = CoherenceSettings()
    augmentation: AugmentationSettings = AugmentationSettings()
    weights: Weights = Weights()
    training: GanTraining = GanTraining()
    backbone: BackboneSettings = EstimatorTrunkSettings()
    """Of the patch coherence loss: its first layers."""

    @model_validator(mode="before")
    @classmethod
    def _fill(cls, data: Any) -> Any:
        """Fills what is not said from the preset."""
        if not isinstance(data, dict):
            return data
        merged = dict(data)
        for name, value in PRESETS.get(data.get("preset", "fast"), {}).items():
            given = data.get(name, {} if isinstance(value, dict) else value)
            if isinstance(value, dict) and isinstance(given, dict):
                merged[name] = value | given
            else:
                merged[name] = given
        return merged

    def identity(self) -> dict[str, Any]:
        """What a training's result depends on; JSON values."""
        left_out = {"preset": True, "training": {"checkpoint_every"}}
        return self.model_dump(mode="json", exclude=left_out)


def rate_factor(iteration: int, training: GanTraining) -> float:
    """The learning rates' factor: 1 on the plateau, then linearly down to `last`."""
    constant = training.plateau * training.iterations
    if iteration < constant:
        return 1.0
    share = (iteration + 1 - constant) / (training.iterations - constant)
    return 1 - (1 - training.last) * min(1.0, share)
