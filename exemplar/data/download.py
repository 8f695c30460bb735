"""Fetching public data sets to a domain's root, by torchvision's loaders."""

from __future__ import annotations

from pathlib import Path

from exemplar.data.inputs import DomainError

PAGES = {
    "pets": "https://www.robots.ox.ac.uk/~vgg/data/pets/",
    "celeba": "https://mmlab.ie.cuhk.edu.hk/projects/CelebA.html",
}


def fetch(kind: str, root: Path) -> None:
    """Downloads a data set, checks it, and unpacks it below a root.

    What is there already and whole is not fetched again.

    Args:
        kind: `pets` or `celeba`.
        root: the domain's root; made if needed.

    Raises:
        DomainError: it cannot be fetched.
    """
    from torchvision import datasets  # takes seconds, and most runs fetch nothing

    root.mkdir(parents=True, exist_ok=True)
    try:
        if kind == "pets":
            datasets.OxfordIIITPet(str(root), split="trainval", download=True)
        else:
            datasets.CelebA(str(root), split="all", download=True)
    except (OSError, RuntimeError, ImportError) as error:
        raise DomainError(
            f"{root}: the {kind} data set could not be fetched: {error}. Get it from "
            f"{PAGES[kind]}, unpack it there, and set download: false"
        ) from error
