"""Settings of domains made of photographs: one model a kind of `domains.<name>.kind`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from exemplar.data.colours import PRESETS
from exemplar.data.layout_settings import (
    IGNORE,
    Channel,
    Number,
    Shade,
    ignoring_none_named,
    named,
    numbered,
)
from exemplar.settings import Settings

Count = Annotated[int, Field(ge=0, strict=True)]
Part = Count | Annotated[float, Field(ge=0, lt=1)]
Side = Annotated[int, Field(ge=16)]


def same_for_all(value: Any) -> Any:
    """`limit: 100` means 100 of each split."""
    return dict.fromkeys(("train", "val", "test"), value) if isinstance(value, int) else value


class Splits(Settings):
    """How photographs without a given split are divided; an integer counts, a fraction is a share.

    By `hash`, an order drawn from the seed and each file's content, so neither names nor the
    order of files matter; by `order`, the last files are held out; by `lists`, the data set's own
    lists decide where they are present.
    """

    by: Literal["hash", "order", "lists"] = "hash"
    val: Part = 0.05
    test: Part = 0.1


class Limit(Settings):
    """The most images of each split; `None` takes them all."""

    train: Annotated[int, Field(ge=1)] | None = None
    val: Count | None = None
    test: Count | None = None


class PhotoSettings(Settings):
    """What every domain of photographs has."""

    root: Path  # a folder, relative to the project's root or absolute
    licence: str = "unknown"  # kept with every image, for attribution
    size: Side | None = None  # pixels a side of the domain's images; null: prepare.image_size
    splits: Splits = Splits()
    limit: Limit = Limit()
    min_side: Annotated[int, Field(ge=1)] = 48  # smaller crops are rejected, not blown up

    @field_validator("limit", mode="before")
    @classmethod
    def _same_for_all(cls, value: Any) -> Any:
        return same_for_all(value)


class FolderSettings(PhotoSettings):
    """Any folder of images, searched to its depth."""

    kind: Literal["folder"]
    boxes: Path | None = None  # a CSV below root: path, xmin, ymin, xmax, ymax, category
    margin: Annotated[float, Field(ge=0)] = 0.0  # added on each side of a box, in its longer side
    fit: Literal["crop", "pad"] = "crop"  # without boxes: central square, or white margins
    category: Literal["folder", "none"] = "folder"  # the first subfolder's name, or empty


class PetsSettings(PhotoSettings):
    """Oxford-IIIT Pet: heads by their boxes."""

    kind: Literal["pets"]
    download: bool = False  # fetch it to root if it is not there
    boxes: Path | None = None  # a CSV below root in place of annotations/xmls
    margin: Annotated[float, Field(ge=0)] = 0.1


class CelebaSettings(PhotoSettings):
    """CelebA's aligned faces, 178×218 or a copy of the same proportions."""

    kind: Literal["celeba"]
    download: bool = False
    splits: Splits = Splits(by="order")
    crop: Annotated[int, Field(ge=32, le=178)] = 148  # central square, in pixels of 178×218


class ZapposSettings(PhotoSettings):
    """UT Zappos50K: shoes on white."""

    kind: Literal["zappos"]
    manifest: Path | None = None  # a CSV below root: file, category; else the first subfolder


class SplitFolders(Settings):
    """The subfolder of each split; without one for `val` (or `test`), `train` is divided."""

    train: str = "train"
    val: str | None = None
    test: str | None = "test"


class PairsSettings(PhotoSettings):
    """Side-by-side A|B images: a photograph and its condition."""

    kind: Literal["pairs"]
    photo: Literal["left", "right"]
    condition: Literal["labels", "edges"]
    classes: str | dict[str, tuple[Channel, Channel, Channel]] | None = None
    folders: SplitFolders = SplitFolders()
    # Classes that no training map need have; without it none, of a preset all.
    lacking: tuple[str, ...] | None = None
    # Pairs of classes that a mirror exchanges; without it, those named left and right, l and r.
    mirrored: tuple[tuple[str, str], ...] | None = None

    @model_validator(mode="after")
    def _classes_fit(self) -> PairsSettings:
        if (self.classes is None) != (self.condition == "edges"):
            raise ValueError("classes belong to condition: labels, which needs them")
        if isinstance(self.classes, str) and self.classes not in PRESETS:
            raise ValueError(
                f"classes must be one of {', '.join(PRESETS)}, or a mapping from each class's "
                f"name to its [red, green, blue]; got {self.classes!r}"
            )
        if isinstance(self.classes, dict) and not 2 <= len(self.classes) <= 255:
            raise ValueError(f"classes must be 2 to 255, got {len(self.classes)}")
        if len(set(self.colours().values())) < len(self.colours()):
            raise ValueError("the colours of classes must differ, two classes have the same")
        for key, given in (("lacking", self.lacking), ("mirrored", self.mirrored)):
            if given is not None and self.condition == "edges":
                raise ValueError(f"{key} belongs to condition: labels, edges have no classes")
        named(self.lacking or (), self.colours(), "lacking")
        named([name for pair in self.mirrored or () for name in pair], self.colours(), "mirrored")
        return self

    def colours(self) -> dict[str, tuple[int, int, int]]:
        """Each class's colour; empty for edges."""
        return PRESETS[self.classes] if isinstance(self.classes, str) else self.classes or {}

    def spared(self) -> tuple[str, ...]:
        """Classes that need no pixels; of a preset all, as few data sets have every one."""
        if self.lacking is None and isinstance(self.classes, str):
            return tuple(self.colours())
        return self.lacking or ()


class LabelledSettings(PhotoSettings):
    """Photographs and label maps of the same names, in two subfolders of each split's folder."""

    kind: Literal["labelled"]
    folders: SplitFolders = SplitFolders()  # `.` is the root itself
    images: str = "images"  # the subfolder of photographs
    masks: str = "masks"  # that of label maps
    instances: str | None = None  # that of instance maps, if there are any
    # The names of the numbers 0, 1, … in label maps, or a name and its number for each class, or a
    # name and its [red, green, blue].
    classes: tuple[str, ...] | dict[str, Number | Shade]
    ignore: tuple[Number, ...] = (IGNORE,)  # numbers of pixels that have no class
    fit: Literal["crop", "pad"] = "crop"  # central square, or margins, white and without a class
    crop: Annotated[float, Field(gt=0, le=1)] = 1.0  # the square's side, of the shorter side
    lacking: tuple[str, ...] = ()  # classes that no training map need have
    # Pairs of classes that a mirror exchanges; without it, those named left and right, l and r.
    mirrored: tuple[tuple[str, str], ...] | None = None

    @model_validator(mode="before")
    @classmethod
    def _ignore_none_that_is_named(cls, values: Any) -> Any:
        return ignoring_none_named(values)

    @model_validator(mode="after")
    def _classes_fit(self) -> LabelledSettings:
        names = self.names()
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"classes must differ, more than one is called {', '.join(twice)}")
        colours = self.colours()
        if isinstance(self.classes, dict) and 0 < len(colours or {}) < len(names):
            raise ValueError("classes must have numbers or colours, all of them the same")
        if colours is not None and len(set(colours.values())) < len(colours):
            raise ValueError("the colours of classes must differ, two classes have the same")
        numbered(self.numbers(), () if colours else self.ignore)
        if self.fit == "pad" and self.crop != 1:
            raise ValueError("crop belongs to fit: crop; by pad all of a photograph is used")
        named(self.lacking, names, "lacking")
        named([name for pair in self.mirrored or () for name in pair], names, "mirrored")
        return self

    def names(self) -> tuple[str, ...]:
        """The classes, in the order of their places."""
        return tuple(self.classes)

    def numbers(self) -> dict[str, int]:
        """Each class's number in label maps; its place where it has a colour."""
        given = self.classes if isinstance(self.classes, dict) else {}
        return {
            name: number if isinstance(number := given.get(name), int) else place
            for place, name in enumerate(self.classes)
        }

    def colours(self) -> dict[str, Shade] | None:
        """Each class's colour; none if they have numbers."""
        if not isinstance(self.classes, dict):
            return None
        found = {name: own for name, own in self.classes.items() if not isinstance(own, int)}
        return found or None

    def spared(self) -> tuple[str, ...]:
        """Classes that need no pixels."""
        return self.lacking


Photos = (
    FolderSettings
    | PetsSettings
    | CelebaSettings
    | ZapposSettings
    | PairsSettings
    | LabelledSettings
)
