"""The sections `prepare` and `domains.<name>` of `params.yaml`."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from exemplar.data.image_set_settings import ImageSets
from exemplar.data.layout_settings import CityscapesSettings
from exemplar.data.photo_settings import Photos
from exemplar.data.rendered.settings import RenderedSettings
from exemplar.settings import Settings

Domain = Annotated[
    RenderedSettings | Photos | CityscapesSettings | ImageSets, Field(discriminator="kind")
]


class PrepareSettings(Settings):
    """What holds for every domain."""

    image_size: Annotated[int, Field(ge=16)] = 96  # pixels a side, unless a domain has its own
    seed: int = 2018
    rejected_limit: Annotated[float, Field(ge=0, le=1)] = 0.05  # share of inputs that may be bad
    workers: Annotated[int, Field(ge=1)] = 2  # processes
