"""Edits for the page of pix2pixHD: an object in all its styles, classes exchanged.

Runs the generator on test layouts, as `exemplar edit` does on a user's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from exemplar.methods.pix2pixhd.answers import MARGIN
from exemplar.methods.pix2pixhd.editing import Edited, edited
from exemplar.methods.pix2pixhd.encoding import objects_of
from exemplar.methods.pix2pixhd.layouts import Layout
from exemplar.methods.pix2pixhd.model import Pix2pixHD
from exemplar.methods.pix2pixhd.sampling import drawn_looks, keys
from exemplar.methods.pix2pixhd.styles import Styles
from exemplar.methods.pix2pixhd.wishes import Edit, EditError, Key, parse_edit, problems_of
from exemplar.report.pix2pixhd import Choices, Relabelling, layout_tile, picture_tile


@dataclass(frozen=True)
class Editor:
    """A domain's test layouts and what makes images of them.

    Attributes:
        model: makes the images.
        styles: of the model's encoder.
        layouts: of the test split.
        seeds: of the styles drawn for each layout, those of its first sample.
        side: pixels of the longer side of a picture, at most.
    """

    model: Pix2pixHD
    styles: Styles
    layouts: Sequence[Layout]
    seeds: Sequence[int]
    side: int

    def choices(self, places: Sequence[int]) -> list[Choices]:
        """For each of some layouts, an object in every style of its class.

        It is the largest whose class has styles to choose from; if there is one, of a class that
        was not shown before and is not the most common of all, which mostly lies behind.
        """
        areas = sum(np.bincount(layout.labels.ravel(), minlength=256) for layout in self.layouts)
        taken = {int(np.argmax(areas))}
        made = []
        for place in places:
            key = self._object(self.layouts[place], taken)
            if key is not None:
                taken.add(key[1])
                made.append(self._choices(place, key))
        return made

    def relabellings(self, wishes: Sequence[str]) -> list[Relabelling]:
        """Each edit on the first layout that it fits.

        Args:
            wishes: FROM=TO or INSTANCE:FROM=TO.

        Raises:
            EditError: one cannot be read, or fits no layout; all of them.
        """
        problems: list[str] = []
        made = []
        for wish in wishes:
            edit = parse_edit([wish], [], self.model.classes, problems)
            fitting = [
                place
                for place, layout in enumerate(self.layouts)
                if edit.relabel and not problems_of(self.model.classes, self.styles, layout, edit)
            ]
            if fitting:
                made.append(self._relabelling(wish, fitting[0], edit))
            elif edit.relabel:
                problems.append(f"--relabel {wish}: no test layout has that class")
        if problems:
            raise EditError("pix2pixhd_report.relabel in params.yaml:\n" + "\n".join(problems))
        return made

    def _object(self, layout: Layout, taken: set[int]) -> Key | None:
        objects = objects_of(layout.labels, layout.instances)
        found = [
            (key[1] in taken, -area, key)
            for key, area in zip(keys(objects), objects.areas.tolist(), strict=True)
            if len(self.styles.of(key[1])) > 1
        ]
        return min(found)[2] if found else None

    def _choices(self, place: int, key: Key) -> Choices:
        layout = self.layouts[place]
        instance, label = key
        objects = objects_of(layout.labels, layout.instances)
        looks = drawn_looks(objects, self.styles, self.seeds[place])
        drawn = int(looks.styles[keys(objects).index(key)])
        tiles = []
        for style in range(len(self.styles.of(label))):
            image = self._edited(place, Edit({}, {(instance, label): style})).after
            tile = picture_tile(image, self.side, f"style {style}", marked=style == drawn)
            tiles.append(tile)
        about = (layout.labels == label) & (layout.instances == instance)
        whose = f" of instance {instance}" if layout.mapped else ""
        return Choices(
            f"{self.model.classes[label]}{whose}",
            layout_tile(layout.labels, self.side, layout.name, about),
            tiles,
        )

    def _relabelling(self, wish: str, place: int, edit: Edit) -> Relabelling:
        found = self._edited(place, edit)
        layout = self.layouts[place]
        return Relabelling(
            wish,
            layout.name,
            (layout_tile(layout.labels, self.side), picture_tile(found.before, self.side, "image")),
            (
                layout_tile(found.layout.labels, self.side, "edited"),
                picture_tile(found.after, self.side, "its image"),
            ),
        )

    def _edited(self, place: int, edit: Edit) -> Edited:
        layout, seed = self.layouts[place], self.seeds[place]
        looks = drawn_looks(objects_of(layout.labels, layout.instances), self.styles, seed)
        margin = MARGIN * min(layout.labels.shape)
        return edited(self.model, self.styles, layout, looks, edit, margin, seed)
