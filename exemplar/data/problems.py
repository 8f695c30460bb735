"""What is wrong with what a user gave: gathered while all is looked at, then told at once."""

from __future__ import annotations

Problems = list[str]

SHOWN = 30  # problems of a report that are spelt out


class RequestError(ValueError):
    """What was asked for cannot be made; the text says everything that is wrong."""


def raise_all(problems: Problems) -> None:
    """Tells all problems at once.

    Raises:
        RequestError: there are some.
    """
    if not problems:
        return
    told = list(dict.fromkeys(problems))  # an image of many pairs is wrong once
    more = [f"and {len(told) - SHOWN} more"] if len(told) > SHOWN else []
    raise RequestError("\n".join([*told[:SHOWN], *more]))
