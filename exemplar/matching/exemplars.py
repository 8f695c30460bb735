"""Which images are exemplars: the training images of a domain, without those that were removed.

The index is built from them and every search is held to them, so one line in `params.yaml`
takes an image out of all results.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from exemplar.settings import SettingsError, line_of, near, section
from exemplar.store.items import matches, rows_of

Removed = dict[str, list[str]]
"""The section `removed` of `params.yaml`: for each domain ids, or globs on them."""


def exemplar_rows(
    items: pd.DataFrame, params: dict[str, Any], domain: str, needed: int = 0
) -> np.ndarray:
    """The rows of a domain's exemplars.

    Args:
        items: the domain's items.
        params: of `params.yaml`; its section `removed` has for each domain ids or globs.
        domain: a section of `domains`.
        needed: how many must be left by what is removed.

    Returns:
        (n,) int64, ascending.

    Raises:
        SettingsError: `removed` names a domain that is not there, has a glob that no training
            image's id matches, or leaves too few; all of this is told.
    """
    removed = section(params, "removed", Removed)
    domains = params.get("domains", {})
    problems = [
        f"  {line_of(params, ('removed', name))}removed.{name}: no such domain; there are "
        f"{', '.join(domains)}{near(name, domains)}"
        for name in removed
        if name not in domains
    ]
    train = rows_of(items, "train")
    ids = items["id"].iloc[train].astype(str)
    where = f"{line_of(params, ('removed', domain))}removed.{domain}"
    gone = np.zeros(len(train), bool)
    for glob in removed.get(domain, []):
        hits = matches(glob, ids)
        gone |= hits
        if not hits.any():
            like = f"; ids are like {ids.iloc[0]!r}" if len(ids) else ""
            like = near(glob, ids, 3) or like
            problems.append(f"  {where}: no training image's id matches {glob!r}{like}")
    left = train[~gone]
    if gone.any() and len(left) < needed:
        problems.append(
            f"  {where}: leaves {len(left)} of {len(train)} training images, but candidates are "
            f"composed of {needed}; take globs out, or add training images"
        )
    if problems:
        raise SettingsError("params.yaml does not fit:\n" + "\n".join(problems))
    return left
