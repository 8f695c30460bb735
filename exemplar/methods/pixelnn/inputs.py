"""PixelNN for a user's own inputs: from files to candidates, with chosen exemplars only."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch

from exemplar import conditions
from exemplar.conditions.given import PHOTOGRAPHS, Given, read_condition, read_photograph
from exemplar.conditions.sources import ConditionsSettings, edge_network, extract
from exemplar.data.fit import DEFAULT, Fit
from exemplar.data.problems import Problems, RequestError
from exemplar.estimators import load_estimators
from exemplar.features.look import looks
from exemplar.features.projection import (
    ProjectionSettings,
)
from exemplar.labels.domains import known_in
from exemplar.matching.images import part_of
from exemplar.methods.pixelnn import schedule
from exemplar.methods.pixelnn.choice import (
    alike,
    allowed_rows,
    how_many_alike,
    require_enough,
)
from exemplar.methods.pixelnn.coherent import residual_source
from exemplar.methods.pixelnn.compose import Composed
from exemplar.methods.pixelnn.describe import FeaturesSettings
from exemplar.methods.pixelnn.library import Library, open_library
from exemplar.methods.pixelnn.queries import describer
from exemplar.methods.pixelnn.ranking import open_ranker
from exemplar.methods.pixelnn.synthesis import CandidatesSettings, synthesise
from exemplar.settings import load_params, section
from exemplar.store import layout
from exemplar.store.arrays import name_list, open_group


@dataclass(frozen=True)
class Made:
    """What was made of one input.

    Attributes:
        path: the input's file.
        condition: as it is stored.
        regressed: f(x), (H, W, 3) u8.
        members: the candidates, best first, or if they are not ranked in the schedule's order.
        composed: their images and sources.
        votes: v; by how many neighbours' matches to each side a pixel's sources follow (`votes`).
        score: (C,) float32, lower is better (`ranking`); NaN if they are not ranked.
        notes: how the input was read, in lines that begin with its file.
    """

    path: Path
    condition: np.ndarray
    regressed: np.ndarray
    members: list[schedule.Candidate]
    composed: Composed
    votes: int
    score: np.ndarray
    notes: tuple[str, ...] = ()


def synthesise_files(
    paths: list[Path],
    domain: str,
    condition: str,
    only: list[str],
    exclude: list[str],
    photographs: bool = False,
    like: Path | None = None,
    alike_count: int | None = None,
    count: int | None = None,
    published: bool = False,
    fit: Fit = DEFAULT,
    say: Callable[[str], None] = lambda note: None,
) -> tuple[Library, Iterator[Made]]:
    """Makes candidates of a user's files, coherent and ranked ones.

    Args:
        paths: the inputs; each is the condition itself, or a photograph.
        domain: whose exemplars are used.
        condition: what the inputs are, or are turned into.
        only: globs on ids and categories of the exemplars to use.
        exclude: globs on those not to use.
        photographs: the inputs are photographs; the condition is extracted from them.
        like: a photograph; of the exemplars that are allowed, those that look most like it are
            used, and those that lend a candidate its pixels together are to look like it too.
        alike_count: how many these are; by default five times what the schedule needs, at most
            all.
        count: only so many candidates, good and distinct ones; by default all.
        published: make the published candidates instead, which are not ranked.
        fit: how inputs of another shape than the exemplars' get theirs.
        say: is told how inputs were read, before anything is made.

    Returns:
        The library, of the chosen exemplars alone, and an iterator that makes one input's
        candidates at a time.

    Raises:
        RequestError: inputs cannot be read, too few exemplars are allowed, or more candidates are
            asked for than are made; nothing was made, and all problems are named.
        RankingError: the weights of the ranking are missing or do not fit.
        StoreError: the exemplars' descriptors are of another backbone or projection.
    """
    params = load_params()
    settings = section(params, "candidates" if published else "coherent", CandidatesSettings)
    members = schedule.candidates(settings.schedule)
    _require_count(count, len(members), published)
    features = section(params, "features", FeaturesSettings)
    described = section(params, "projection", ProjectionSettings)
    torch.set_num_threads(settings.threads)
    conditions.of(condition)
    section(params, f"domains.{domain}", dict)
    library = open_library(domain, condition, settings.device)
    classes = list(name_list(open_group(layout.conditions(domain)), "classes"))
    size = (library.image.shape[1], library.image.shape[2])
    given, liked = read_all(paths, domain, condition, size, classes, photographs, like, fit)
    wanted = None if liked is None else liked.values
    shared = () if liked is None else liked.notes
    for note in (*(note for each in given for note in each.notes), *shared):
        say(note)

    needed = schedule.exemplars_needed(members)
    rows = allowed_rows(library.items, library.exemplars.rows, only, exclude)
    require_enough(len(rows), needed, settings.schedule, bool(only or exclude))
    if wanted is not None:
        rows = alike(library.look, rows, wanted, how_many_alike(alike_count, needed, len(rows)))
    library = replace(library, exemplars=part_of(library.exemplars, rows))

    describe = describer(domain, condition, size, features, described)
    ranker = None if published else open_ranker(domain, condition, settings.device)
    if ranker and count:
        ranker = replace(ranker, few=count)
    look = None if wanted is None else looks(wanted[None])[0]
    residual = residual_source(library, settings)

    def made() -> Iterator[Made]:
        for path, (values, notes) in zip(paths, given, strict=True):
            f, descriptor, scene = describe(values)
            composed = synthesise(library, f, descriptor, scene, settings, look)
            score, order = np.full(len(members), np.nan, np.float32), np.arange(len(members))
            if ranker:
                score, few = ranker(values, f, composed, residual)
                order = few if count else np.argsort(score, kind="stable")
            shown = Composed(composed.image[order], composed.source[order])
            ordered = [members[place] for place in order.tolist()]
            yield Made(path, values, f, ordered, shown, settings.effective_votes, score[order],
                       (*notes, *shared))  # fmt: skip

    return library, made()


def _require_count(count: int | None, available: int, published: bool) -> None:
    """Checks that so many distinct candidates can be chosen."""
    if count is not None and published:
        raise RequestError(
            "--count N chooses among ranked candidates, those of --method pixelnn are not ranked; "
            "leave one of them out"
        )
    if count is not None and not 1 <= count <= available:
        raise RequestError(f"--count {count}: expected 1 to {available}, all candidates there are")


def read_all(
    paths: list[Path],
    domain: str,
    condition: str,
    size: tuple[int, int],
    classes: list[str],
    photographs: bool,
    like: Path | None,
    how: Fit,
) -> tuple[list[Given], Given | None]:
    """Reads every input, and the photograph to look like; all problems are reported together."""
    problems: Problems = []
    known = known_in(load_params(), domain, classes, PHOTOGRAPHS)
    found = [
        read_photograph(path, size, how, problems)
        if photographs
        else read_condition(condition, path, size, known, how, problems)
        for path in paths
    ]
    wanted = None if like is None else read_photograph(like, size, how, problems, "--from ")
    if problems:
        raise RequestError("\n".join(dict.fromkeys(problems)))
    given = [each for each in found if each is not None]
    if not photographs:
        return given, wanted
    settings = section(load_params(), "conditions", ConditionsSettings)
    estimators = load_estimators(layout.ESTIMATORS)
    network, _ = edge_network(settings.edges, estimators)
    if condition == "labels" and classes != list(estimators.parts):
        raise RequestError(
            f"the labels of {domain} were given with its images; no network sees them in a "
            "photograph: give a label map"
        )
    images = np.stack([each.values for each in given])
    seen = extract(images, estimators, network)[condition]
    return [Given(values, each.notes) for values, each in zip(seen, given, strict=True)], wanted
