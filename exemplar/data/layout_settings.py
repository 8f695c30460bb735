"""Settings of domains made of label maps: `domains.<name>` of the kind `cityscapes`."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from exemplar.settings import Settings

# The classes of Cityscapes in the order of its label numbers, of which 0 is the first. What has a
# number but is not evaluated keeps it: generators draw it, and judges ignore it.
CITYSCAPES = (
    "unlabeled", "ego vehicle", "rectification border", "out of roi", "static", "dynamic",
    "ground", "road", "sidewalk", "parking", "rail track", "building", "wall", "fence",
    "guard rail", "bridge", "tunnel", "pole", "polegroup", "traffic light", "traffic sign",
    "vegetation", "terrain", "sky", "person", "rider", "car", "truck", "bus", "caravan",
    "trailer", "train", "motorcycle", "bicycle",
)  # fmt: skip

IGNORE = 255
Number = Annotated[int, Field(ge=0)]
Channel = Annotated[int, Field(ge=0, le=255)]
Shade = tuple[Channel, Channel, Channel]
Side = Annotated[int, Field(ge=16)]


def named(names: Iterable[str], classes: Collection[str], key: str) -> None:
    """Sees that a setting names classes only.

    Raises:
        ValueError: it names something else.
    """
    if wrong := sorted(set(names) - set(classes)):
        raise ValueError(f"{key}: {wrong} are no classes; they are {', '.join(classes)}")


def ignoring_none_named(values: Any) -> Any:
    """A class may have the number that is ignored where nothing is said of it."""
    classes = values.get("classes") if isinstance(values, dict) else None
    if isinstance(classes, dict) and IGNORE in classes.values() and "ignore" not in values:
        return values | {"ignore": ()}
    return values


def numbered(numbers: Mapping[str, int], ignore: Collection[int]) -> None:
    """Sees that classes are told apart by their numbers.

    Raises:
        ValueError: two have one number, or one has a number that is ignored; or classes are too
            few or too many.
    """
    if not 2 <= len(numbers) <= 255 or len(set(numbers.values())) < len(numbers):
        raise ValueError("classes must be 2 to 255, and each must have a number of its own")
    if both := sorted(set(numbers.values()) & set(ignore)):
        raise ValueError(f"{both} are numbers of classes and are to be ignored, too")


class CityscapesSettings(Settings):
    """Folders of label maps, of instance maps, and of photographs of some or all of them.

    For each split `<split>_label`, and beside it `<split>_inst` and `<split>_img`: pix2pixHD's own
    layout of Cityscapes. A layout's files have one name but for `_gtFine_labelIds`,
    `_gtFine_instanceIds` and `_leftImg8bit`, which may be left out.
    """

    kind: Literal["cityscapes"]
    root: Path  # a folder, relative to the project's root or absolute
    licence: str = "unknown"  # kept with every image, for attribution
    size: tuple[Side, Side] = (256, 512)  # height and width of the domain's images
    # The names of the numbers 0, 1, … in label maps, or a name and its number for each class.
    classes: Literal["cityscapes"] | tuple[str, ...] | dict[str, Number] = "cityscapes"
    ignore: tuple[Number, ...] = (255,)  # numbers of pixels that have no class
    colours: dict[str, Shade] | None = None  # each class's in maps of colours: [red, green, blue]
    # Classes that no training map need have; without it none, of the preset all.
    lacking: tuple[str, ...] | None = None
    # Pairs of classes that a mirror exchanges; without it, those named left and right, l and r.
    mirrored: tuple[tuple[str, str], ...] | None = None

    @model_validator(mode="before")
    @classmethod
    def _ignore_none_that_is_named(cls, values: Any) -> Any:
        return ignoring_none_named(values)

    @model_validator(mode="after")
    def _classes_fit(self) -> CityscapesSettings:
        numbers = self.numbers()
        numbered(numbers, self.ignore)
        if self.colours is not None:
            if self.colours.keys() != numbers.keys():
                wrong = sorted(self.colours.keys() ^ numbers.keys())
                raise ValueError(
                    f"colours must name the colour of every class and of nothing else; see {wrong}"
                )
            if len(set(self.colours.values())) < len(numbers):
                raise ValueError("colours must differ, two classes have the same")
        named(self.lacking or (), numbers, "lacking")
        named([name for pair in self.mirrored or () for name in pair], numbers, "mirrored")
        return self

    def spared(self) -> tuple[str, ...]:
        """Classes that need no pixels; of the preset all, as few data sets have every one."""
        if self.lacking is None and self.classes == "cityscapes":
            return CITYSCAPES
        return self.lacking or ()

    def numbers(self) -> dict[str, int]:
        """Each class's number in label maps."""
        if isinstance(self.classes, dict):
            return self.classes
        names = CITYSCAPES if self.classes == "cityscapes" else self.classes
        return {name: number for number, name in enumerate(names)}
