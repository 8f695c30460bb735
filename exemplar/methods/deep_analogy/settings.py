"""What a user may turn in Deep Image Analogy: the section `analogy` of `params.yaml`."""

from __future__ import annotations

from typing import Annotated, Literal, Self, get_args

from pydantic import Field, model_validator

from exemplar.features.backbone import BackboneSettings, EstimatorTrunkSettings
from exemplar.settings import Settings

Reconstruction = Literal[
    "voted", "reextracted", "learned", "deconvolution", "deconvolution_from_noise"
]
RECONSTRUCTIONS: tuple[Reconstruction, ...] = get_args(Reconstruction)
Strength = Literal["1", "2", "3", "aligned"]

# α of A's own features at levels 1 (finest) to 4: the stronger, the more of the content's
# structure is kept. 1, 2 and 3 as released; `aligned` is the paper's for views of one scene
# (section 5, category I).
WEIGHTS: dict[Strength, tuple[float, float, float, float]] = {
    "1": (0.0, 0.5, 0.6, 0.7),
    "2": (0.1, 0.6, 0.7, 0.8),
    "3": (0.2, 0.7, 0.8, 0.9),
    "aligned": (1.0, 1.0, 1.0, 1.0),
}


class TextureSettings(Settings):
    """What is done where features say nothing; with `floor: 0` the energy is the published one."""

    floor: Annotated[float, Field(ge=0, le=2)] = 0.6
    """Activations below this share of their mean count as flat, the more the weaker they are."""
    colour: Annotated[float, Field(ge=0, le=1)] = 0.3
    """How far flat places are told apart by their colours."""
    smoothness: Annotated[float, Field(ge=0, le=1)] = 0.5
    """How far flat places are held to where a smooth field would have their match."""

    @model_validator(mode="after")
    def _fit(self) -> Self:
        if self.colour**2 + self.smoothness**2 > 1:
            raise ValueError(
                "the squares of colour and smoothness must not add up to more than 1, got "
                f"{self.colour} and {self.smoothness}"
            )
        return self


class AnalogySettings(Settings):
    """How two images are matched, and what is made of it."""

    backbone: BackboneSettings = EstimatorTrunkSettings()
    reconstruction: Reconstruction = "voted"
    """How the latent images' features are made at the next finer level. `deconvolution` is as
    released, `deconvolution_from_noise` as in the paper."""
    strength: Strength = "2"
    """How much of each image's own structure is kept, see `WEIGHTS`."""
    blend: Literal["step", "sigmoid"] = "step"
    """Where structure is kept: a threshold on activations, as released, or the paper's sigmoid."""
    start: Literal["identity", "random", "votes"] = "identity"
    """The coarsest field: the same places, as released, random ones, as in the paper, or what
    votes of offsets say, by a network that has seen photographs."""
    mirror: Literal["never", "auto", "always"] = "never"
    """Whether B′ is matched in a mirror: `auto` where that fits so much better."""
    iterations: Annotated[int, Field(ge=1)] = 10
    """Rounds of PatchMatch at each level."""
    final_patch: Literal[5, 3] = 5
    """The side of the patches whose copies are averaged in the result; 3 as released."""
    directions: Literal["both", "single"] = "both"
    """Eq. 2, or Eq. 3 for a comparison."""
    levels: Literal["coarse_to_fine", "independent"] = "coarse_to_fine"
    """Independent: the finest level alone, searched over the whole image, for a comparison."""
    texture: TextureSettings = TextureSettings()
    working_side: Annotated[int, Field(ge=32)] = 512
    """Larger images are matched at this longer side, in pixels, and fields enlarged."""
    whole_side: Annotated[int, Field(ge=32)] | None = 200
    """Larger images are matched at half their size first; None, as published: never."""
    seed: Annotated[int, Field(ge=0)] = 0
    device: str = "cpu"
    threads: Annotated[int, Field(ge=1)] = 1
