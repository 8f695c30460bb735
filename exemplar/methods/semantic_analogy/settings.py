"""What a user may turn in Semantic Image Analogy: the section `layout` of `params.yaml`."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from exemplar.methods.semantic_analogy.gan_settings import GanSettings
from exemplar.settings import Settings

Method = Literal["patches", "gan"]


class PatchesSettings(Settings):
    """How a layout is composed of patches of the source, without any training."""

    patch: Annotated[int, Field(ge=3, le=15)] = 7
    """The side of patches in pixels, odd, at every level."""
    coarsest: Annotated[int, Field(ge=8)] = 24
    """The longest side in pixels at the coarsest level, or a little more."""
    ratio: Annotated[float, Field(ge=1.2, le=2)] = 1.5
    """Of the sides of a level and the next coarser one."""
    guidance: Annotated[float, Field(gt=0)] = 1.0
    """How much labels count beside colours."""
    place: Annotated[float, Field(ge=0)] = 0.5
    """How much places, as shares of the image's sides, count beside labels and colours."""
    alpha: Annotated[float, Field(gt=0)] = 0.03
    """α; the smaller, the more all patches of the source are used."""
    rounds: Annotated[int, Field(ge=1)] = 6
    """Of matching and averaging at the coarsest level; one less at each finer one, but two."""
    whole_side: Annotated[int, Field(ge=16)] = 64
    """Up to this longest side in pixels the whole source is searched; beyond, around the places
    that were found at the next coarser level."""
    dimensions: Annotated[int, Field(ge=4)] = 64
    """Principal directions in which patches are compared."""
    votes: Annotated[int, Field(ge=0)] = 1
    """v: in the result each pixel is the mean of (2v + 1)² overlapping copies."""
    working_side: Annotated[int, Field(ge=32)] = 1024
    """Larger images are matched at this longest side in pixels, and the matches enlarged."""

    @model_validator(mode="after")
    def _odd(self) -> Self:
        if self.patch % 2 == 0:
            raise ValueError(f"patch must be odd, got {self.patch}")
        return self


class LayoutSettings(Settings):
    """How an image is brought into another layout; of the stages and of `exemplar layout`."""

    method: Method = "patches"
    patches: PatchesSettings = PatchesSettings()
    gan: GanSettings = GanSettings()
    working_side: Annotated[int, Field(ge=32)] = 128
    """Pixels of the longer side at which the GAN learns and paints larger images; patches have a
    limit of their own."""
    seed: Annotated[int, Field(ge=0)] = 0
    device: str = "cpu"
    threads: Annotated[int, Field(ge=1)] = 1
