"""Rendered scenes with their animal moved: a target's layout, and the image that should come out.

Beside `labelled_images` in the way of the evaluation's data. Only here is it known what a
picture would look like in another layout.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from exemplar.data.named_images import StoredImage
from exemplar.data.problems import Problems
from exemplar.data.rendered.posing import Posing
from exemplar.data.rendered.settings import RenderedSettings
from exemplar.data.settings import PrepareSettings
from exemplar.methods.semantic_analogy.labelled_images import LabelMap
from exemplar.settings import SettingsError, section
from exemplar.store import layout
from exemplar.store.arrays import array, open_group, read_rows
from exemplar.store.items import read_items


def posed_scene(
    named: StoredImage, posing: Posing, params: dict[str, Any], where: str, problems: Problems
) -> tuple[NDArray[np.uint8], LabelMap] | None:
    """A rendered scene with its animal moved, and its labels.

    Args:
        named: an image of a rendered domain.
        posing: how it is moved.
        params: of `params.yaml`, by which the domain was rendered.
        where: it is asked for, for messages.
        problems: gets a line if the scene cannot be rendered as it was.

    Returns:
        At the domain's size; none if something is wrong.
    """
    from exemplar.data.rendered import PARTS  # brings the ray tracer

    try:
        domain = section(params, f"domains.{named.domain}", RenderedSettings)
        common = section(params, "prepare", PrepareSettings)
    except SettingsError as error:
        problems.append(f"{where}: only an image of a rendered domain can be posed: {error}")
        return None
    items = read_items(layout.items(named.domain))
    rows = np.flatnonzero((items["id"] == named.id).to_numpy())
    index = int(str(items["source"].iloc[rows[0]]).partition(":")[2])
    size = domain.size or common.image_size
    stored = read_rows(array(open_group(layout.images(named.domain)), "image"), rows)[0]
    how = index, domain.model_dump_json(), size, common.seed
    if not np.array_equal(_rendered(*how, None)[0], stored):
        problems.append(
            f"{where}: {named.id} comes out other than it is stored, so how it would look posed is "
            f"not known; make it anew by `exemplar reproduce prepare@{named.domain}`"
        )
        return None
    image, labels = _rendered(*how, posing.model_dump_json())
    return image, LabelMap(labels, tuple(PARTS))


@cache
def _rendered(
    index: int, domain: str, size: int, seed: int, posing: str | None
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """A picture and its labels by settings in JSON; several targets ask for the undisturbed one."""
    from exemplar.data.rendered import render

    settings = RenderedSettings.model_validate_json(domain)
    moved = None if posing is None else Posing.model_validate_json(posing)
    made = render(index, settings, size, seed, moved)
    return made.image, made.labels
