"""The section `sources` of `params.yaml`: labelled images that the methods are compared on.

First in the way of the evaluation's data; `sources` reads what is named here.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, model_validator

from exemplar.data.colours import PRESETS
from exemplar.data.named_images import BundledImage, StoredImage
from exemplar.data.photo_settings import Channel
from exemplar.data.rendered.posing import Posing
from exemplar.methods.semantic_analogy.gan_settings import GanSettings
from exemplar.metrics.segmenters import JudgeSettings
from exemplar.settings import Settings

Colours = dict[str, tuple[Channel, Channel, Channel]]
Number = Annotated[int, Field(ge=0, le=65535)]
Count = Annotated[int, Field(ge=1)]

IDENTITY = "identity"
"""The name of the target that every source has: its own labels."""


class PairFile(Settings):
    """A photograph and its label map side by side in one file."""

    pair: Path
    classes: str | Colours
    """The colours of a public label map, `facades`, or each class's [red, green, blue]."""
    photo_left: bool = True

    @model_validator(mode="after")
    def _known(self) -> Self:
        if isinstance(self.classes, str) and self.classes not in PRESETS:
            raise ValueError(
                f"classes must be one of {', '.join(PRESETS)}, or a mapping from each class's name "
                f"to its [red, green, blue]; got {self.classes!r}"
            )
        return self

    def colours(self) -> Colours:
        """Each class's colour."""
        return PRESETS[self.classes] if isinstance(self.classes, str) else self.classes


class LabelFile(Settings):
    """A label map of numbers, such as a trimap."""

    file: Path
    classes: dict[str, Number] | None = None
    """Each class's number in it; without, classes are called by their numbers."""


class ClusterLabels(Settings):
    """Clusters of a network's features in the place of labels."""

    clusters: Annotated[int, Field(ge=2, le=64)]


class PairsFolder(Settings):
    """Side-by-side files of a folder, which a judge learns from."""

    folder: Path
    classes: str | Colours
    photo_left: bool = True
    limit: Count = 200
    """Files at most, in the order of their names; the source's and the targets' are left out."""


class LabelledDomain(Settings):
    """A domain with labels, whose split train a judge learns from."""

    domain: str


Shown = Path | StoredImage | BundledImage | PairFile


class TargetSettings(Settings):
    """A layout that the source is brought into: one of an image's, a file's, edited, or posed."""

    image: Shown | None = None
    """Its labels are the layout; Deep Image Analogy takes the photograph itself."""
    labels: LabelFile | None = None
    """Of the image, if it brings none; or alone."""
    edit: str = ""
    """Of the source's labels, as `exemplar layout --edit` takes them."""
    posed: Posing | None = None
    """The rendered scene of the source with its animal moved, so that the true image is known."""
    map: dict[str, str] = Field(default_factory=dict)
    """Classes that the source lacks → classes of the source."""

    @model_validator(mode="after")
    def _one_of(self) -> Self:
        given = [self.image or self.labels, self.edit, self.posed is not None]
        if sum(bool(each) for each in given) != 1:
            raise ValueError("expected either image or labels, or edit, or posed")
        return self


class SourceSettings(Settings):
    """One source and its targets."""

    image: Shown
    labels: LabelFile | ClusterLabels | None = None
    """None: those that an image of a domain or of a side-by-side file brings."""
    side: Annotated[int, Field(ge=32)] = 64
    """Pixels of the longer side at which everything is made and judged."""
    targets: dict[str, TargetSettings] = Field(default_factory=dict)
    """By name; the source's own labels are always a target, called `identity`."""
    gan: GanSettings | None = None
    """Instead of that of the section `layout`."""
    judge: JudgeSettings | None = None
    """None: the estimators if they see all classes, else a network that is trained."""
    learned_from: PairsFolder | LabelledDomain | None = None
    """What a trained judge learns from; none: the source alone."""

    @model_validator(mode="after")
    def _fit(self) -> Self:
        for name in self.targets:
            if name == IDENTITY or not name or name.startswith(".") or set(name) & set("/\\"):
                raise ValueError(
                    f"targets: expected a file's name other than {IDENTITY}, got {name!r}"
                )
        posed = [name for name, target in self.targets.items() if target.posed is not None]
        if posed and not isinstance(self.image, StoredImage):
            raise ValueError(
                f"targets {', '.join(posed)}: only an image of a rendered domain can be posed"
            )
        return self


Sources = dict[str, SourceSettings]
"""The section `sources`, by name."""
