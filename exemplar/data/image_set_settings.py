"""Settings of data sets that come as a few files of many small images."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from exemplar.data.photo_settings import Count, Limit, Splits, same_for_all
from exemplar.settings import Settings

# The ten articles of Fashion-MNIST in the order of its labels.
FASHION = (
    "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat",
    "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot",
)  # fmt: skip
PRESETS = {"mnist": tuple("0123456789"), "fashion": FASHION}

Side = Annotated[int, Field(ge=8)]


class ImageSetSettings(Settings):
    """What these domains have in common: all images of a set are equally large."""

    licence: str = "unknown"  # kept with every image, for attribution
    size: Side | None = None  # pixels a side; null: as in the files
    limit: Limit = Limit()

    @field_validator("limit", mode="before")
    @classmethod
    def _same_for_all(cls, value: Any) -> Any:
        return same_for_all(value)


class IdxSettings(ImageSetSettings):
    """MNIST, Fashion-MNIST, or any other set in idx files of those names.

    `train-images-idx3-ubyte` and `t10k-images-idx3-ubyte`, and labels beside both or neither; plain
    or compressed (`.gz`, `.xz`).
    """

    kind: Literal["idx"]
    root: Path  # a folder, relative to the project's root or absolute
    # The names of the labels 0, 1, …: of a known set, or a list; null: the numbers themselves.
    classes: Literal["mnist", "fashion"] | tuple[str, ...] | None = None
    val: Count = 0  # the last so many training images are the split val
    download: bool = False  # fetch the known set to root if it is not there

    @model_validator(mode="after")
    def _classes_fit(self) -> IdxSettings:
        if self.download and not isinstance(self.classes, str):
            raise ValueError("download fetches MNIST or Fashion-MNIST: classes must say which")
        names = self.names()
        if names is not None and not (2 <= len(set(names)) == len(names) <= 256 and all(names)):
            raise ValueError("classes must be 2 to 256 different names")
        return self

    def names(self) -> tuple[str, ...] | None:
        """The name of each label; none if labels are their own names."""
        return PRESETS[self.classes] if isinstance(self.classes, str) else self.classes


class DigitsSettings(ImageSetSettings):
    """The 1,797 handwritten digits of 8×8 pixels that come with scikit-learn: needs no files.

    Source: Optical Recognition of Handwritten Digits, UCI Machine Learning Repository, 1998.
    """

    kind: Literal["digits"]
    licence: str = "CC BY 4.0"
    size: Side = 32  # enlarged smoothly
    splits: Splits = Splits(val=0, test=600)


class Cifar10Settings(ImageSetSettings):
    """CIFAR-10, as its authors' binary version has it (`data_batch_1.bin`, …)."""

    kind: Literal["cifar10"]
    root: Path  # a folder, relative to the project's root or absolute
    val: Count = 0  # the last so many training images are the split val
    download: bool = False  # fetch it to root if it is not there


ImageSets = IdxSettings | DigitsSettings | Cifar10Settings
