"""What is wrong with what a user gave: gathered while all is looked at, then told at once."""

from __future__ import annotations

Problems = list[str]


class RequestError(ValueError):
    """What was asked for cannot be made; the text says everything that is wrong."""


def raise_all(problems: Problems) -> None:
    """Tells all problems at once.

    Raises:
        RequestError: there are some.
    """
    if not problems:
        return
    raise RequestError("\n".join(dict.fromkeys(problems)))  # an image of many pairs is wrong once
