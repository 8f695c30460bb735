"""Making images by example, with every pixel's source known: arrays in, arrays out.

    import exemplar
    found = exemplar.correspond(a, b)   # where the pixels of two photographs are in one another

What is public is loaded when it is first used.
"""

from importlib import import_module
from typing import Any

_PUBLIC = {"correspond": "exemplar.correspondence"}
"""Names, and the modules where they are."""


def __getattr__(name: str) -> Any:
    if name not in _PUBLIC:
        raise AttributeError(f"module 'exemplar' has no attribute {name!r}")
    return getattr(import_module(_PUBLIC[name]), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *_PUBLIC])
