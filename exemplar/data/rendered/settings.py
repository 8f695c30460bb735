"""The section `domains.rendered` of `params.yaml`: how many heads, and how varied."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from exemplar.data.rendered.breeds import KNOWN
from exemplar.settings import Settings

Side = Annotated[int, Field(ge=16)]
Probability = Annotated[float, Field(ge=0.0, le=1.0)]


class RenderedSettings(Settings):
    """Settings of the rendered domain."""

    kind: Literal["rendered"] = "rendered"
    train: Annotated[int, Field(ge=1)] = 600  # images of each split
    val: Annotated[int, Field(ge=0)] = 40
    test: Annotated[int, Field(ge=0)] = 60
    size: Side | None = None  # pixels a side; null: prepare.image_size
    two_animals: Probability = 0.08  # share of scenes with a second animal
    close_up: Probability = 0.25  # share of scenes where a head overfills the frame
    open_mouth: Probability = 0.3
    textured_background: Probability = 0.85  # the rest stand before a plain backdrop
    collar: Probability = 0.25
    breeds: tuple[str, ...] = ()  # names to draw from; empty: all of `breeds.BREEDS`

    @model_validator(mode="after")
    def _known_breeds(self) -> RenderedSettings:
        unknown = [name for name in self.breeds if name not in KNOWN]
        if unknown:
            raise ValueError(
                f"breeds has unknown names {unknown}; choose from {', '.join(sorted(KNOWN))}, "
                "or leave it empty for all"
            )
        return self
