"""Equations 2 and 3 pixel by pixel, and the released average, against plain loops."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from exemplar.matching.exact import match_exact as match
from exemplar.matching.windows import WHOLE
from exemplar.methods.pixelnn.compose import NO_SOURCE, compose, compose_global, residuals
from exemplar.methods.pixelnn.followers import Cast, by_rank
from exemplar.methods.pixelnn.schedule import Candidate
from exemplar.report.attribution import added, rederived
from tests.matching.test_voting import voters

HEIGHT, WIDTH, RANKS = 6, 7, 5
MEMBERS = [Candidate(k, f, t) for k, f in ((1, 1), (1, 4), (3, 2), (5, 1)) for t in (1, 3, WHOLE)]


@pytest.fixture
def case():
    rng = np.random.default_rng(3)
    photographs = rng.integers(0, 256, (RANKS, HEIGHT, WIDTH, 3)).astype(np.uint8)
    regressed = rng.integers(0, 256, (RANKS, HEIGHT, WIDTH, 3)).astype(np.uint8)
    query = rng.integers(0, 256, (HEIGHT, WIDTH, 3)).astype(np.uint8)
    descriptors = torch.nn.functional.normalize(
        torch.from_numpy(rng.normal(size=(RANKS + 1, HEIGHT, WIDTH, 4)).astype(np.float32)), dim=-1
    )
    matches = match(descriptors[0], descriptors[1:], (1, 3, WHOLE))
    rows = np.array([40, 7, 19, 3, 88])
    return photographs, regressed, query, descriptors, matches, rows


def test_matched_is_equation_3(case):
    photographs, regressed, query, descriptors, matches, rows = case
    residual = residuals(torch.from_numpy(photographs), torch.from_numpy(regressed), "rgb")
    image, source = compose(
        torch.from_numpy(query), residual, by_rank(rows, MEMBERS), matches, MEMBERS
    )
    for index, (k, first, window) in enumerate(MEMBERS):
        for y in range(HEIGHT):
            for x in range(WIDTH):
                options = []
                for rank in range(first - 1, first - 1 + k):
                    for v in range(HEIGHT):
                        for u in range(WIDTH):
                            if window == WHOLE or max(abs(v - y), abs(u - x)) <= window // 2:
                                a, b = descriptors[0, y, x], descriptors[1 + rank, v, u]
                                options.append((float(a @ b), rank, v, u))
                _, rank, v, u = max(options)
                assert source[index, y, x].tolist() == [rows[rank], v, u]
                added = photographs[rank, v, u].astype(int) - regressed[rank, v, u]
                expected = np.clip(query[y, x].astype(int) + added, 0, 255)
                assert image[index, y, x].tolist() == expected.tolist()


def test_one_neighbour_and_one_pixel_is_equation_2(case):
    photographs, regressed, query, _, matches, rows = case
    residual = residuals(torch.from_numpy(photographs), torch.from_numpy(regressed), "rgb")
    members = [Candidate(1, rank + 1, 1) for rank in range(RANKS)]
    composed = compose(
        torch.from_numpy(query),
        residual,
        by_rank(rows, members),
        matches._replace(score=matches.score[:, :1], position=matches.position[:, :1]),
        members,
    )
    whole = compose_global(torch.from_numpy(query), residual, rows)
    np.testing.assert_array_equal(composed.image, whole.image)
    np.testing.assert_array_equal(composed.source, whole.source)


def test_an_image_found_in_the_library_comes_back_whole(case):
    photographs, regressed, *_ = case
    descriptor = torch.nn.functional.normalize(torch.randn(RANKS, HEIGHT, WIDTH, 4), dim=-1)
    matches = match(descriptor[2], descriptor[2:3], (1, 3, WHOLE))
    residual = residuals(*(torch.from_numpy(x[2:3]) for x in (photographs, regressed)), "rgb")
    members = [Candidate(1, 1, t) for t in (1, 3, WHOLE)]
    cast = by_rank(np.array([2]), members)
    image, _ = compose(torch.from_numpy(regressed[2]), residual, cast, matches, members)
    for made in image:
        np.testing.assert_array_equal(made, photographs[2])


def test_weighted_averages_residuals_at_the_query_s_own_pixel(case):
    photographs, regressed, query, _, matches, rows = case
    residual = residuals(torch.from_numpy(photographs), torch.from_numpy(regressed), "rgb")
    members = [Candidate(3, 2, 3), Candidate(1, 4, 3)]
    matches = matches._replace(score=matches.score[:, 1:2], position=matches.position[:, 1:2])
    cast = by_rank(rows, members)
    image, source = compose(torch.from_numpy(query), residual, cast, matches, members, "weighted")
    for y in range(HEIGHT):
        for x in range(WIDTH):
            weight = [max(0.0, float(matches.score[rank, 0, y, x])) for rank in (1, 2, 3)]
            mean = sum(
                w * residual[r, y, x].numpy() for w, r in zip(weight, (1, 2, 3), strict=True)
            )
            expected = np.clip(query[y, x] + np.rint(mean / sum(weight)), 0, 255)
            assert np.abs(image[0, y, x] - expected).max() <= 1  # a tie may round either way
    assert (source[0] == NO_SOURCE).all()
    assert (source[1, ..., 0] == rows[3]).all()


@pytest.mark.parametrize("votes", [1, 2])
def test_voted_is_the_mean_of_overlapping_copies(case, votes):
    photographs, regressed, query, _, matches, rows = case
    residual = residuals(torch.from_numpy(photographs), torch.from_numpy(regressed), "rgb")
    cast = by_rank(rows, MEMBERS)
    shown = torch.from_numpy(query)
    image, source = compose(shown, residual, cast, matches, MEMBERS, "voted", votes)
    plain = compose(shown, residual, cast, matches, MEMBERS, "matched", votes)
    np.testing.assert_array_equal(source, plain.source)
    assert (image != plain.image).any()
    rank = {int(row): index for index, row in enumerate(rows)}
    for index in range(len(MEMBERS)):
        for y, x in np.ndindex(HEIGHT, WIDTH):
            copied = [
                residual[rank[row], v, u].numpy()
                for row, v, u in voters(source[index], votes, y, x)
            ]
            mean = np.floor(np.mean(copied, 0) + 0.5 + 1e-9)
            expected = np.clip(query[y, x] + mean, 0, 255)
            assert image[index, y, x].tolist() == expected.tolist()


def test_a_candidate_may_draw_on_any_exemplars(case):
    photographs, regressed, query, _, matches, rows = case
    residual = residuals(torch.from_numpy(photographs), torch.from_numpy(regressed), "rgb")
    member, shown = [Candidate(3, 1, 3)], torch.from_numpy(query)
    matches = matches._replace(score=matches.score[:, 1:2], position=matches.position[:, 1:2])
    chosen = [0, 4, 2]
    made = compose(shown, residual, Cast(rows, [tuple(chosen)]), matches, member)
    alone = compose(
        shown,
        residual[chosen],
        by_rank(rows[chosen], member),
        matches._replace(score=matches.score[chosen], position=matches.position[chosen]),
        member,
    )
    np.testing.assert_array_equal(made.image, alone.image)
    np.testing.assert_array_equal(made.source, alone.source)
    assert set(np.unique(made.source[..., 0])) == set(rows[chosen].tolist())


def test_luma_adds_the_same_to_all_channels(case):
    photographs, regressed, *_ = case
    residual = residuals(torch.from_numpy(photographs), torch.from_numpy(regressed), "luma")
    residual = residual.numpy()
    difference = photographs.astype(float) - regressed
    luma = 0.299 * difference[..., 0] + 0.587 * difference[..., 1] + 0.114 * difference[..., 2]
    assert (residual == residual[..., :1]).all()
    assert np.abs(residual[..., 0] - luma).max() <= 0.5 + 1e-9


@pytest.mark.parametrize("kind", ["rgb", "luma"])
@pytest.mark.parametrize("composition", ["matched", "weighted", "voted", "seamless"])
def test_any_composition_is_its_sources_and_what_was_added(case, composition, kind):
    photographs, regressed, query, _, matches, rows = case
    residual = residuals(torch.from_numpy(photographs), torch.from_numpy(regressed), kind)
    shown, library = torch.from_numpy(query), np.zeros((90, HEIGHT, WIDTH, 3), np.uint8)
    library[rows] = photographs
    image, source = compose(
        shown, residual, by_rank(rows, MEMBERS), matches, MEMBERS, composition, votes=1
    )
    plus = added(image, source, library)
    np.testing.assert_array_equal(rederived(source, plus, library), image)
    known = source[..., 0] >= 0
    assert known.all() or composition == "weighted"
    assert (known.all((1, 2)) == [m.neighbours == 1 for m in MEMBERS]).all() or known.all()
    if (composition, kind) == ("matched", "rgb"):
        row, y, x = np.moveaxis(source, -1, 0)
        f_k = regressed[np.argmax(rows == row[..., None], -1), y, x].astype(int)
        unclipped = (image > 0) & (image < 255)
        np.testing.assert_array_equal(plus[unclipped], (query[None] - f_k)[unclipped])
    np.testing.assert_array_equal(plus[~known], image[~known])
