"""Settings of domains made of label maps: `domains.<name>` of the kind `cityscapes`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

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

Number = Annotated[int, Field(ge=0)]
Side = Annotated[int, Field(ge=16)]


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

    @model_validator(mode="after")
    def _classes_fit(self) -> CityscapesSettings:
        numbers = self.numbers()
        if not 2 <= len(numbers) <= 255 or len(set(numbers.values())) < len(numbers):
            raise ValueError("classes must be 2 to 255, and each must have a number of its own")
        if both := sorted(set(numbers.values()) & set(self.ignore)):
            raise ValueError(f"{both} are numbers of classes and are to be ignored, too")
        return self

    def numbers(self) -> dict[str, int]:
        """Each class's number in label maps."""
        if isinstance(self.classes, dict):
            return self.classes
        names = CITYSCAPES if self.classes == "cityscapes" else self.classes
        return {name: number for number, name in enumerate(names)}
