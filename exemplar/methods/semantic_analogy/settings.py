"""What a user may turn in Semantic Image Analogy: the section `layout` of `params.yaml`."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from exemplar.methods.semantic_analogy.gan_settings import GanSettings
from exemplar.patches.settings import PatchSettings
from exemplar.settings import Settings

Method = Literal["patches", "gan"]


class PatchesSettings(PatchSettings):
    """How a layout is composed of patches of the source: as all pictures, with other defaults."""

    ratio: Annotated[float, Field(ge=1.2, le=2)] = 1.5
    """Of the sides of a level and the next coarser one; one source needs smaller steps."""
    alpha: Annotated[float, Field(gt=0)] = 0.03
    """α; the smaller, the more all patches of the source are used."""
    whole_side: Annotated[int, Field(ge=16)] = 64
    """Up to this longest side in pixels the whole source is searched; beyond, around the places
    that were found at the next coarser level."""


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
