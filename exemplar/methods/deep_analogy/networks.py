"""The networks that a user's pairs are matched by, or what is wrong with them."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, TypeVar

from exemplar.data.problems import Problems
from exemplar.features.pyramid import Pyramid, load_pyramid
from exemplar.methods.deep_analogy.inverse import STORED, Inverse, load_inverse
from exemplar.methods.deep_analogy.settings import AnalogySettings
from exemplar.store import layout

Loaded = TypeVar("Loaded")


class Networks(NamedTuple):
    """What pairs are matched by."""

    pyramid: Pyramid
    inverse: Inverse | None


def load_networks(
    settings: AnalogySettings, problems: Problems, by_option: bool = False
) -> Networks | None:
    """Loads what settings name.

    Args:
        settings: a backbone, and a reconstruction that may need the learned inverse.
        problems: gets a line if one cannot be used.
        by_option: the backbone was named by `--backbone`, not in `params.yaml`.

    Returns:
        The networks; none if something is wrong.
    """
    learned, known = settings.reconstruction == "learned", len(problems)
    pyramid = _tried(
        lambda: load_pyramid(settings.backbone, layout.ESTIMATORS, settings.device), problems
    )
    if by_option:
        problems[known:] = [_by_option(line) for line in problems[known:]]
    if learned and not STORED.is_file():
        problems.append(
            f"{STORED}: no such file, which the reconstruction `learned` needs; make it by "
            "`exemplar reproduce analogy_inverse`, or choose another reconstruction"
        )
    if pyramid is None or len(problems) > known:
        return None
    if not learned:
        return Networks(pyramid, None)
    inverse = _tried(lambda: load_inverse(STORED, pyramid), problems)
    return None if inverse is None else Networks(pyramid, inverse)


def _tried(load: Callable[[], Loaded], problems: Problems) -> Loaded | None:
    try:
        return load()
    # Missing weights, or no such device: a torch without CUDA asserts that it is there.
    except (ValueError, RuntimeError, AssertionError) as error:
        problems.append(str(error))
        return None


def _by_option(problem: str) -> str:
    """What is said of a backbone of `params.yaml`, of one that an option names."""
    return (
        problem.replace("with `weights:` in params.yaml", "by --backbone torchvision:FILE")
        .replace("in params.yaml", "by --backbone")
        .replace("the path by --backbone", "the path in --backbone")
    )
