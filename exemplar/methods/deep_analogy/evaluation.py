"""Evaluation of correspondences pair by pair: what was measured is kept, and never done again.

The stages `analogy_flow` and `analogy_keypoints` read their sets of pairs, match every pair by all
methods, and put what they measured into one table each.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple, Protocol, TypeVar

import numpy as np

from exemplar.methods.deep_analogy.baselines import Correspondence, Image
from exemplar.methods.deep_analogy.compared import ComparedSettings, Matcher, Method, varied
from exemplar.methods.deep_analogy.settings import AnalogySettings
from exemplar.store.files import content_hash, sources_hash, written

SOURCES = (
    "exemplar/correspondence.py", "exemplar/data", "exemplar/estimators.py", "exemplar/features",
    "exemplar/matching", "exemplar/methods/deep_analogy", "exemplar/metrics",
    "exemplar/store/flow.py",
)  # fmt: skip
"""Code that measurements depend on, beside the stage's own."""


class EvaluationError(ValueError):
    """Sets of pairs cannot be evaluated; the text has what is wrong with each."""


class Pair(Protocol):
    """What every pair has."""

    @property
    def name(self) -> str:
        """Of the pair in its set."""
        ...

    @property
    def a(self) -> Image:
        """(H, W, 3) u8."""
        ...

    @property
    def b_prime(self) -> Image:
        """(H', W', 3) u8."""
        ...


class WithOverrides(Protocol):
    """Settings of a set of pairs."""

    @property
    def analogy(self) -> dict[str, Any]:
        """Settings of the section `analogy` that differ for this set."""
        ...


PairT = TypeVar("PairT", bound=Pair)
SetT = TypeVar("SetT", bound=WithOverrides)


class Set(NamedTuple):
    """A set that is ready: its pairs, and what matches them."""

    name: str
    pairs: list[Any]
    matcher: Matcher


def ready(
    sets: Mapping[str, SetT],
    read: Callable[[SetT], list[PairT]],
    analogy: AnalogySettings,
    compared: ComparedSettings,
    weights: tuple[Path, Path],
) -> list[Set]:
    """Reads all sets and loads all networks before anything is matched.

    Args:
        sets: by name.
        read: gives the pairs of a set.
        analogy: how Deep Image Analogy works, but for what a set's own settings say.
        compared: the methods.
        weights: files of the estimators and of the learned inverse.

    Returns:
        The sets, in order.

    Raises:
        EvaluationError: a set or a network is missing or wrong; all problems of all sets are told.
    """
    found, problems = [], []
    for name, settings in sets.items():
        try:
            pairs = read(settings)
        except ValueError as error:
            problems.append(f"{name}: {error}")
            pairs = []
        try:
            own = varied(analogy, settings.analogy, f"sets.{name}.analogy")
            found.append(Set(name, pairs, Matcher(own, compared, *weights)))
        except ValueError as error:
            problems.append(f"{name}: {error}")
    if problems:
        raise EvaluationError("nothing was matched:\n" + "\n".join(dict.fromkeys(problems)))
    return found


def measured(
    sets: list[Set],
    folder: Path,
    measure: Callable[[Any, Correspondence], dict[str, float]],
    said: str,
) -> Iterator[tuple[str, Any, Method, dict[str, float]]]:
    """Matches every pair by all methods; what was measured before is only read.

    Args:
        sets: ready.
        folder: of unfinished work; a file for each pair and method.
        measure: numbers from a pair and its correspondence.
        said: what progress is printed under.

    Yields:
        The set's name, the pair, the method, and its numbers, among them `seconds`.
    """
    for name, pairs, matcher in sets:
        warm = False
        for place, pair in enumerate(pairs):
            for method in matcher.compared.methods:
                path = folder / name / f"{place:06d}-{method}.json"
                if not path.is_file():
                    if not warm:
                        matcher.warm_up(pair.a, pair.b_prime)
                        warm = True
                    found, seconds = matcher(method, pair.a, pair.b_prime)
                    numbers = {"seconds": seconds} | measure(pair, found)
                    with written(path) as partial:
                        partial.write_text(json.dumps(numbers))
                    print(
                        f"{said}: {name} {place + 1}/{len(pairs)} {pair.name}, {method}: "
                        f"{seconds:.1f} s",
                        flush=True,
                    )
                yield name, pair, method, json.loads(path.read_text())


def inputs(sets: list[Set], stage: str, settings: dict[str, Any]) -> list[Any]:
    """What measurements depend on, for `workplace`: sources, settings, weights and all pairs.

    Args:
        sets: ready.
        stage: whose module says what is measured.
        settings: its section.

    Returns:
        Values and bytes.
    """
    parts: list[Any] = [sources_hash(*SOURCES, f"stages/{stage}.py"), settings]
    for name, pairs, matcher in sets:
        parts += [name, matcher.analogy.model_dump(mode="json"), matcher.pyramid.name]
        if matcher.inverse is not None:
            weights = matcher.inverse.state_dict().values()
            parts += [value.cpu().numpy().tobytes() for value in weights]
        parts += [content_hash(*_bytes(pair)) for pair in pairs]
    return parts


def _bytes(pair: Any) -> list[bytes | str]:
    """A pair's names and arrays."""
    found: list[bytes | str] = []
    for value in pair:
        for one in value if isinstance(value, tuple) else (value,):
            found += [one.tobytes(), str(one.shape)] if isinstance(one, np.ndarray) else [str(one)]
    return found
