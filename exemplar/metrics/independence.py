"""Is a judge independent? Which of the things that it judges its own networks have made.

A judge that made the input, or by whose features exemplars were found, agrees with its own
mistakes. Nothing is declared: the names of networks, which have a hash of their weights, are held
against those that the stores keep.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

NETWORK = re.compile(r"[^\s,;()]+#[0-9a-f]+")
"""A network's name within a text, such as `pixelnet-16@rendered#0123abcd`."""

EXEMPLARS = "exemplars"
"""Among what a judge shares: it has learned from the domain's own images."""

NOTHING = "nothing"
"""What an independent judge shares; where nothing is written it is not known."""


def networks(named: str) -> set[str]:
    """The networks that a text names.

    >>> sorted(networks("normals pixelnet-16@rendered#0123abcd, edges hed#4567"))
    ['hed#4567', 'pixelnet-16@rendered#0123abcd']
    """
    return set(NETWORK.findall(named))


def shared(judge: str, made: Mapping[str, str], domain: str) -> str:
    """What a judge shares with the images that it judges.

    Args:
        judge: its identity, as in a table; it may name several networks.
        made: what is named here was made by the networks that the text names, such as the origin
            of the inputs, or the backbone of the descriptors.
        domain: whose images are the exemplars.

    Returns:
        The names of those of `made` that one of its networks made, and `EXEMPLARS` if one learned
        from the domain, with commas between; `NOTHING` if there are none.

    Raises:
        ValueError: the judge names no network.

    >>> shared("pixelnet-16@rendered#0123abcd",
    ...        {"input": "given with the images", "descriptors": "pixelnet-16@rendered#0123abcd"},
    ...        "pets")
    'descriptors'
    """
    own = networks(judge)
    if not own:
        raise ValueError(f"expected the name of a judge with a hash of its weights, got {judge!r}")
    found = [what for what, named in made.items() if own & networks(named)]
    if any(f"@{domain}#" in network for network in own):
        found.append(EXEMPLARS)
    return ", ".join(found) or NOTHING


def most_independent(shares: Iterable[str]) -> list[int]:
    """The places of judges, those first that made least of what they judge; of equals the first.

    >>> most_independent(["descriptors, exemplars", "nothing", "exemplars"])
    [1, 2, 0]
    """
    counts = [(len(made(each)), each.count(EXEMPLARS)) for each in shares]
    return sorted(range(len(counts)), key=lambda place: counts[place])


def made(shares: str) -> list[str]:
    """Of what a judge shares, what its networks made.

    >>> made("input, descriptors, exemplars")
    ['input', 'descriptors']
    """
    return [what for what in shares.split(", ") if what not in ("", NOTHING, EXEMPLARS)]


def verdict(shares: str) -> str:
    """A judge's independence in words, for a line beside a table.

    >>> verdict("nothing")
    'independent: it had no part in making what it judges, and learned from other images'
    >>> verdict("descriptors, exemplars")
    'not independent: it also made the descriptors, and learned from the exemplars'
    """
    also = made(shares)
    said = (
        f"not independent: it also made the {' and the '.join(also)}"
        if also
        else "independent: it had no part in making what it judges"
    )
    learned = "the exemplars" if EXEMPLARS in shares else "other images"
    return f"{said}, and learned from {learned}"
