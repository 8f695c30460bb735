"""What users wish to be changed: read from words, checked against a layout.

Above `layouts` and `styles`; `editing` fulfils it. No network runs here.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from exemplar.methods.pix2pixhd.layouts import SHOWN, Layout
from exemplar.methods.pix2pixhd.styles import Styles

Key = tuple[int, int]
"""An object's instance number and class."""


class EditError(ValueError):
    """A request cannot be met; the message lists everything that is wrong with it."""


@dataclass(frozen=True)
class Edit:
    """What is to be changed.

    Attributes:
        relabel: (instance number, class) → the class it becomes; the number is None for all
            instances, and one's own entry goes before that of all. All at once, so two classes
            can be exchanged.
        styles: (instance number, class after relabelling) → the number of a style; the class is
            None for all of an instance's objects, and one's own entry goes before that of all.
    """

    relabel: dict[tuple[int | None, int], int] = field(default_factory=dict)
    styles: dict[tuple[int, int | None], int] = field(default_factory=dict)

    def style_of(self, key: Key) -> int | None:
        """The style chosen for an object of the edited layout, if one is."""
        return self.styles.get(key, self.styles.get((key[0], None)))


def parse_edit(
    relabel: Sequence[str],
    styles: Sequence[str],
    classes: Sequence[str],
    problems: list[str],
    numbers: Sequence[int] = (),
) -> Edit:
    """Reads requests as they are written on a command line.

    Args:
        relabel: `FROM=TO`, each the name or the number of a class, or `INSTANCE:FROM=TO`.
        styles: `INSTANCE=K`, numbers, or `INSTANCE:CLASS=K`.
        classes: names.
        problems: gets a line for each request that cannot be read, or contradicts another.
        numbers: of the classes in label maps; none where they are their places.

    Returns:
        The edit, of the requests that can be read.

    >>> parse_edit(["tree=1"], ["26001=3"], ["road", "building", "tree"], [])
    Edit(relabel={(None, 2): 1}, styles={(26001, None): 3})
    """
    edit = Edit()
    for request in relabel:
        before, _, after = request.partition("=")
        instance, before = _scope(before)
        asked = f"--relabel {request}: FROM=TO"
        found = _classes([before, after], classes, asked, problems, numbers)
        if found:
            _enter(edit.relabel, (instance, found[0]), found[1], f"--relabel {request}", problems)
    for request in styles:
        whose, _, style = request.rpartition("=")
        asked = f"--style {request}: INSTANCE=K"
        target = parse_target(whose, classes, asked, problems, numbers)
        if not style.isdecimal():
            problems.append(f"--style {request}: expected a style's number after =, got {style!r}")
        elif target:
            _enter(edit.styles, target, int(style), f"--style {request}", problems)
    return edit


def parse_target(
    words: str,
    classes: Sequence[str],
    request: str,
    problems: list[str],
    numbers: Sequence[int] = (),
) -> tuple[int, int | None] | None:
    """Reads `INSTANCE` or `INSTANCE:CLASS`.

    Args:
        words: to read.
        classes: names.
        request: for messages, what was asked and what was expected of it.
        problems: a line is added for each.
        numbers: as for `parse_edit`.

    Returns:
        Instance number, and class or None for all; None if it cannot be read.
    """
    instance, name = _scope(words if ":" in words else f"{words}:")
    if instance is None:
        problems.append(f"{request}: expected an instance's number, got {words!r}")
        return None
    if not name:
        return instance, None
    found = _classes([name], classes, request, problems, numbers)
    return (instance, found[0]) if found else None


def _scope(words: str) -> tuple[int | None, str]:
    """Splits `INSTANCE:REST`; no instance where there is none."""
    found = re.fullmatch(r"(-?[0-9]+):(.*)", words)
    return (int(found[1]), found[2]) if found else (None, words)


def _classes(
    names: list[str],
    classes: Sequence[str],
    request: str,
    problems: list[str],
    numbers: Sequence[int],
) -> list[int] | None:
    """The places of classes given by name or number; none if one is unknown."""
    numbered = dict(enumerate(numbers or range(len(classes))))
    known = {str(number): place for place, number in numbered.items()}
    known |= {name: place for place, name in enumerate(classes)}
    if unknown := [name for name in names if name not in known]:
        listed = ", ".join(f"{numbered[place]} {name}" for place, name in enumerate(classes))
        problems.append(
            f"{request} expects classes, got {', '.join(map(repr, unknown))}; classes are {listed}"
        )
        return None
    return [known[name] for name in names]


def _enter(table: dict, key: tuple, value: int, request: str, problems: list[str]) -> None:
    if table.setdefault(key, value) != value:
        problems.append(f"{request}: another request asks for {table[key]}; keep one of them")


def relabelled(layout: Layout, relabel: dict[tuple[int | None, int], int]) -> Layout:
    """The layout with other classes.

    Instances keep their numbers; where every class is one, what is relabelled joins its new class.
    """
    labels = layout.labels.copy()
    for (instance, before), after in sorted(relabel.items(), key=lambda x: x[0][0] is not None):
        labels[_where(layout, instance, before)] = after
    instances = layout.instances
    if not layout.mapped:
        instances = np.where(labels == layout.labels, instances, labels)
    return replace(layout, labels=labels, instances=instances)


def _where(layout: Layout, instance: int | None, label: int) -> np.ndarray:
    """(H, W) bool, the pixels of a class, of one instance or of all."""
    found = layout.labels == label
    return found if instance is None else found & (layout.instances == instance)


def problems_of(classes: Sequence[str], styles: Styles, layout: Layout, edit: Edit) -> list[str]:
    """Everything in which an edit does not fit a layout; nothing if it does.

    Args:
        classes: names.
        styles: of all classes; none at all of a model without an encoder.
        layout: before the edit.
        edit: what to change.

    Returns:
        A line a problem.
    """
    there = np.unique(layout.labels[layout.labels < len(classes)]).tolist()
    problems = []
    for instance, label in edit.relabel:
        if not _where(layout, instance, label).any():
            whose = "" if instance is None else f" of instance {instance}"
            problems.append(
                f"relabel {classes[label]}{whose}: {layout.name} has none; it has "
                + ", ".join(_name(classes, other) for other in there)
            )
    if edit.styles and not len(styles.labels):
        return [*problems, "the model was trained without an encoder, so there are no styles"]
    after = relabelled(layout, edit.relabel)
    instances = np.unique(after.instances).tolist()
    for (instance, label), style in edit.styles.items():
        own = np.unique(after.labels[after.instances == instance]).tolist()
        if instance not in instances:
            listed = ", ".join(map(str, instances[:SHOWN])) + (", …" if instances[SHOWN:] else "")
            problems.append(
                f"style of instance {instance}: {layout.name} has no such instance; it has {listed}"
            )
        elif label is not None and label not in own:
            listed = ", ".join(_name(classes, other) for other in own)
            problems.append(
                f"style of {classes[label]} of instance {instance}: {layout.name} has none; "
                f"the instance has {listed}"
            )
        for each in own if label is None else [label] if label in own else []:
            count = len(styles.of(each))
            if style >= count and edit.style_of((instance, each)) == style:
                problems.append(
                    f"style {style} of instance {instance}: {_name(classes, each)} has "
                    f"{f'{count} styles, from 0' if count else 'no styles'}"
                )
    return problems


def _name(classes: Sequence[str], label: int) -> str:
    return classes[label] if label < len(classes) else "pixels without a class"


def fitting(layouts: Sequence[Layout], edit: Edit, classes: Sequence[str]) -> list[Edit]:
    """The part of an edit that each layout can have.

    Args:
        layouts: of a folder; an only one is to have all of it.
        edit: what to change.
        classes: names.

    Returns:
        An edit a layout.

    Raises:
        EditError: wishes that no layout can have; all of them.
    """
    if len(layouts) == 1:
        return [edit]
    edits = []
    for layout in layouts:
        relabel = {k: v for k, v in edit.relabel.items() if _where(layout, *k).any()}
        after = relabelled(layout, relabel)
        styles = {}
        for (instance, label), style in edit.styles.items():
            own = after.instances == instance
            if (own if label is None else own & (after.labels == label)).any():
                styles[instance, label] = style
        edits.append(replace(edit, relabel=relabel, styles=styles))
    lost = []
    for instance, label in edit.relabel:
        if not any((instance, label) in each.relabel for each in edits):
            whose = "" if instance is None else f" of instance {instance}"
            lost.append(
                f"relabel {classes[label]}{whose}: none of the {len(layouts)} layouts has it"
            )
    for instance, label in edit.styles:
        if not any((instance, label) in each.styles for each in edits):
            what = "" if label is None else f"{classes[label]} of "
            lost.append(
                f"style of {what}instance {instance}: none of the {len(layouts)} layouts has it"
            )
    if lost:
        raise EditError("\n".join(lost))
    return edits
