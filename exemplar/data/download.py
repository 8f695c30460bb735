"""Fetching public data sets to a domain's root, by torchvision's loaders."""

from __future__ import annotations

from pathlib import Path

from exemplar.data.inputs import DomainError

PAGES = {
    "pets": "https://www.robots.ox.ac.uk/~vgg/data/pets/",
    "celeba": "https://mmlab.ie.cuhk.edu.hk/projects/CelebA.html",
    "mnist": "http://yann.lecun.com/exdb/mnist/",
    "fashion": "https://github.com/zalandoresearch/fashion-mnist",
    "cifar10": "https://www.cs.toronto.edu/~kriz/cifar.html",
}
CIFAR10 = "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz"
CIFAR10_MD5 = "c32a1d4ab5d03f1284b67883e8d87530"  # as its page says


def fetch(kind: str, root: Path) -> None:
    """Downloads a data set, checks it, and unpacks it below a root.

    What is there already and whole is not fetched again.

    Args:
        kind: one of `PAGES`.
        root: the domain's root; made if needed.

    Raises:
        DomainError: it cannot be fetched.
    """
    from torchvision import datasets  # takes seconds, and most runs fetch nothing

    place = str(root)
    root.mkdir(parents=True, exist_ok=True)
    try:
        if kind == "pets":
            datasets.OxfordIIITPet(place, split="trainval", download=True)
        elif kind == "celeba":
            datasets.CelebA(place, split="all", download=True)
        elif kind == "mnist":
            datasets.MNIST(place, download=True)
        elif kind == "fashion":
            datasets.FashionMNIST(place, download=True)
        else:  # the loader of CIFAR-10 would unpickle
            datasets.utils.download_and_extract_archive(CIFAR10, place, md5=CIFAR10_MD5)
    except (OSError, RuntimeError, ImportError) as error:
        raise DomainError(
            f"{root}: the {kind} data set could not be fetched: {error}. Get it from "
            f"{PAGES[kind]}, unpack it there, and set download: false"
        ) from error
