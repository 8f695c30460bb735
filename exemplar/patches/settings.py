"""What may be turned in pictures made of patches."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, model_validator

from exemplar.settings import Settings


class PatchSettings(Settings):
    """How a picture is composed of patches of photographs, coarse to fine, without any training."""

    patch: Annotated[int, Field(ge=3, le=15)] = 7
    """The side of patches in pixels, odd, at every level."""
    coarsest: Annotated[int, Field(ge=8)] = 24
    """The longest side in pixels at the coarsest level, or a little more."""
    ratio: Annotated[float, Field(ge=1.2, le=2)] = 2.0
    """Of the sides of a level and the next coarser one."""
    rounds: Annotated[int, Field(ge=1)] = 6
    """Of matching and averaging at the coarsest level; one less at each finer one, but two."""
    guidance: Annotated[float, Field(ge=0)] = 1.0
    """How much guides count beside colours in [0, 1]."""
    guidance_fine: Annotated[float, Field(ge=0)] | None = None
    """How much they count at the finest level, levels between in equal steps; none: as much."""
    place: Annotated[float, Field(ge=0)] = 0.5
    """How much places, as shares of the image's sides, count beside guides and colours."""
    alpha: Annotated[float, Field(gt=0)] = 0.3
    """α; the smaller, the more all patches of the exemplars are used."""
    change: Annotated[float, Field(ge=0, le=1)] = 0.0
    """Added to a squared distance for each of the four pixels around that takes from another
    exemplar."""
    whole_side: Annotated[int, Field(ge=16)] = 48
    """Up to this longest side in pixels the exemplars are searched as a whole; beyond, around the
    places that were found at the next coarser level."""
    dimensions: Annotated[int, Field(ge=4, le=256)] = 32
    """Principal directions of colours, and as many of guides, in which patches are compared."""
    searches: Annotated[int, Field(ge=1)] = 2
    """Of random places and of neighbours' matches, in a round of a fine level."""
    radius: Annotated[int, Field(ge=0)] = 8
    """Pixels around a match within which random places are tried."""
    votes: Annotated[int, Field(ge=0)] = 1
    """v: in the result each pixel is the mean of (2v + 1)² overlapping copies."""
    working_side: Annotated[int, Field(ge=32)] = 1024
    """Larger pictures are matched at this longest side in pixels, and the matches enlarged."""

    @model_validator(mode="after")
    def _odd(self) -> Self:
        if self.patch % 2 == 0:
            raise ValueError(f"patch must be odd, got {self.patch}")
        return self

    def guidance_at(self, level: int, levels: int) -> float:
        """The weight of guides at a level, 0 the coarsest."""
        if self.guidance_fine is None or levels == 1:
            return self.guidance
        return self.guidance + (self.guidance_fine - self.guidance) * level / (levels - 1)
