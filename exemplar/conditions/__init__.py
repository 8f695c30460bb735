"""What an input can be: `lowres`, `edges`, `normals` or `labels`.

Each module prepares stored values for a network (`encode`), and `of` finds it by the condition's
name. `sources` extracts conditions from photographs, `given` reads them from a user's files.
"""

from __future__ import annotations

from types import ModuleType

from exemplar.conditions import edges, labels, lowres, normals
from exemplar.settings import SettingsError

CONDITIONS: dict[str, ModuleType] = {
    "lowres": lowres,
    "edges": edges,
    "normals": normals,
    "labels": labels,
}


def of(name: str) -> ModuleType:
    """The module of a condition.

    Raises:
        SettingsError: there is no such condition.
    """
    if name not in CONDITIONS:
        raise SettingsError(f"condition must be one of {', '.join(CONDITIONS)}, got {name!r}")
    return CONDITIONS[name]
