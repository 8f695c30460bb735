"""Selections of candidates against a version that holds everything at once."""

from __future__ import annotations

from itertools import combinations
from typing import NamedTuple

import numpy as np
import pytest

from exemplar.metrics.edges import EdgeCounts, average_precision, edge_counts
from exemplar.metrics.ranked import Ranking
from exemplar.metrics.selection import MEASURES, METRICS, Selections

LOWER = ("mean", "median", "rmse", "correspondence", "seam")


class Image(NamedTuple):
    errors: np.ndarray
    counts: EdgeCounts
    correspondence: np.ndarray | None
    seam: np.ndarray | None = None
    features: np.ndarray | None = None
    ranking: Ranking | None = None


def images(candidates: int, number: int = 6, surface: bool = True) -> dict[str, Image]:
    """Images of differing size with candidates of differing worth."""
    generator = np.random.default_rng(candidates)
    made = {}
    for k in range(number):
        pixels = int(generator.integers(30, 60))
        scale = generator.uniform(4, 30, (candidates, 1))
        truth = generator.random((10, 10)) < 0.3
        predicted = generator.random((candidates, 10, 10)) * (0.4 + 0.6 * truth)
        made[f"image-{k}"] = Image(
            np.minimum(generator.exponential(scale, (candidates, pixels)), 180).astype(np.float32),
            edge_counts(predicted, truth, radius=1),
            generator.random(candidates) if surface else None,
        )
    return made


def taken(items: dict[str, Image], **settings: int) -> Selections:
    selections = Selections(**settings)
    for name, image in items.items():
        selections.add(name, *image)
    return selections


def ranked(candidates: int, few: int) -> dict[str, Image]:
    """Images with everything that can be known of them; features of two numbers."""
    generator = np.random.default_rng(1)
    made = {}
    for name, image in images(candidates).items():
        guess = image.errors.mean(1) + generator.normal(0, 4, candidates)
        shown = generator.permutation(candidates)[:few].astype(np.int16)
        made[name] = image._replace(
            seam=generator.random(candidates),
            features=generator.random((candidates, 2)),
            ranking=Ranking(guess.astype(np.float32), shown),
        )
    return made


def rankings(items: dict[str, Image]) -> dict[str, Ranking]:
    return {name: image.ranking for name, image in items.items() if image.ranking is not None}


def pictures(items: dict[str, Image]) -> dict[str, np.ndarray]:
    return {name: image.features for name, image in items.items() if image.features is not None}


def score(chosen: list[tuple[Image, int]]) -> dict[str, float]:
    """All metrics of one choice of (image, candidate), from everything at once."""
    errors = np.concatenate([image.errors[c] for image, c in chosen]).astype(np.float64)
    counts = EdgeCounts(
        np.sum([image.counts.matched[c] for image, c in chosen], axis=0),
        np.sum([image.counts.predicted[c] for image, c in chosen], axis=0),
        np.asarray(sum(int(image.counts.truth[c]) for image, c in chosen)),
    )
    places = [image.correspondence[c] for image, c in chosen if image.correspondence is not None]
    seams = [image.seam[c] for image, c in chosen if image.seam is not None]
    return {
        "mean": errors.sum() / len(errors),
        "median": float(np.percentile(errors, 50)),
        "rmse": np.linalg.norm(errors) / np.sqrt(len(errors)),
        "within_11_25": 100 * sum(errors < 11.25) / len(errors),
        "within_22_5": 100 * sum(errors < 22.5) / len(errors),
        "within_30": 100 * sum(errors < 30) / len(errors),
        "ap": float(average_precision(counts)),
        "correspondence": sum(places) / len(places) if places else float("nan"),
        "seam": sum(seams) / len(seams) if seams else float("nan"),
    }


def best_of(image: Image, metric: str) -> int:
    alone = [score([(image, c)])[metric] for c in range(len(image.errors))]
    return alone.index(min(alone) if metric in LOWER else max(alone))


def close(row: dict, expected: dict[str, float]) -> None:
    for metric in METRICS:
        slack = 1e-3 if metric == "median" else 1e-6
        assert row[metric] == pytest.approx(expected[metric], abs=slack, nan_ok=True), metric


def test_oracles_equal_a_version_that_holds_everything() -> None:
    items = images(7)
    rows = {row["selection"]: row for row in taken(items).rows()}
    assert list(rows) == ["rand-1", "oracle per metric", "oracle one candidate"]
    close(
        rows["oracle per metric"],
        {m: score([(image, best_of(image, m)) for image in items.values()])[m] for m in METRICS},
    )
    one = score([(image, best_of(image, "mean")) for image in items.values()])
    close(rows["oracle one candidate"], one)
    for row in rows.values():
        assert (row["images"], row["candidates"]) == (6, 7)
        assert list(row) == [
            "selection", *MEASURES, "diversity", "rank_correlation", "images", "candidates",
        ]  # fmt: skip


def test_rand_1_is_the_mean_over_rounds_of_one_draw_an_image() -> None:
    # With as many rounds as candidates each image shows each of its candidates once, so what is
    # a mean over pixels has the mean over all candidates, whatever the draws.
    items = images(8)
    row = taken(items, rounds=8).rows()[0]
    pixels = np.concatenate([image.errors.ravel() for image in items.values()])
    assert row["mean"] == pytest.approx(pixels.mean(dtype=np.float64))
    assert row["within_22_5"] == pytest.approx(100 * np.mean(pixels < 22.5))
    places = [i.correspondence.mean() for i in items.values() if i.correspondence is not None]
    assert row["correspondence"] == pytest.approx(sum(places) / 6)


def test_one_round_is_one_choice_of_candidates_seeded_by_the_image() -> None:
    items = images(3, number=4)
    row = taken(items, rounds=1, seed=5).rows()[0]
    fitting = []
    for choice in np.ndindex(3, 3, 3, 3):
        expected = score(list(zip(items.values(), choice, strict=True)))
        if abs(expected["mean"] - row["mean"]) < 1e-6:
            fitting.append(expected)
    assert len(fitting) == 1
    close(row, fitting[0])
    backwards = dict(reversed(items.items()))
    close(taken(backwards, rounds=1, seed=5).rows()[0], fitting[0])
    means = {round(taken(items, rounds=1, seed=s).rows()[0]["mean"], 9) for s in range(8)}
    assert len(means) > 2


def test_rand_1_estimates_the_expectation() -> None:
    items = images(5)
    generator = np.random.default_rng(0)
    rounds = [
        score([(image, int(generator.integers(5))) for image in items.values()]) for _ in range(300)
    ]
    row = taken(items, rounds=200).rows()[0]
    for metric in METRICS:
        drawn = [scores[metric] for scores in rounds]
        assert row[metric] == pytest.approx(np.mean(drawn), abs=0.3 * float(np.std(drawn))), metric


def test_one_candidate_is_its_own_selection() -> None:
    items = images(1, surface=False)
    (row,) = taken(items).rows()
    assert row["selection"] == "single"
    close(row, score([(image, 0) for image in items.values()]))
    assert np.isnan(row["correspondence"])


def test_no_draw_beats_the_oracle_and_the_oracles_agree_on_the_mean() -> None:
    rand, best, one = taken(images(9, surface=False)).rows()
    for metric in ("mean", "rmse", "within_11_25", "within_22_5", "within_30"):
        sign = -1 if metric in LOWER else 1
        assert sign * best[metric] >= sign * one[metric] >= sign * rand[metric]
    assert best["mean"] == one["mean"]


def test_scores_are_those_of_each_candidate_alone() -> None:
    items = images(4)
    table = taken(items).scores()
    assert list(table.columns) == ["image", "candidate", *MEASURES, "score"]
    assert table[["seam", "score"]].isna().to_numpy().all()
    assert len(table) == 24
    for row in table.to_dict("records"):
        alone = score([(items[row["image"]], row["candidate"])])
        found = {m: row[m] for m in MEASURES}
        assert found == pytest.approx(alone, abs=1e-4, nan_ok=True)
    assert list(Selections().scores().columns) == list(table.columns)
    bare = taken(images(4, surface=False)).scores()
    assert np.isnan(bare["correspondence"].to_numpy()).all()


def test_the_pooled_median_is_that_of_the_pixels_to_a_thousandth() -> None:
    generator = np.random.default_rng(1)
    items = images(1, number=3)
    for top in (0.0, 0.01, 20.0, 180.0):
        made = {
            name: Image(generator.uniform(0, top, (1, pixels)).astype(np.float32), *items[name][1:])
            for name, pixels in zip(items, (1, 50, 501), strict=True)
        }
        pooled = np.concatenate([image.errors[0] for image in made.values()])
        (row,) = taken(made).rows()
        assert row["median"] == pytest.approx(np.median(pooled), abs=1e-3)


def test_an_image_without_true_edges_has_no_precision_of_its_own() -> None:
    image = images(3)["image-0"]
    bare = EdgeCounts(image.counts.matched * 0, image.counts.predicted, image.counts.truth * 0)
    selections = Selections()
    selections.add("bare", image.errors, bare, image.correspondence)
    assert np.isnan(selections.scores()["ap"].to_numpy()).all()
    assert all(np.isnan(row["ap"]) for row in selections.rows())
    selections.add("full", *image)
    assert all(0 < row["ap"] < 1 for row in selections.rows())


def test_images_without_a_surface_do_not_weigh_on_the_correspondence() -> None:
    items = images(3)
    first = items["image-0"]
    items["image-0"] = first._replace(correspondence=None)
    rows = taken(items, rounds=3).rows()
    del items["image-0"]
    for row, rest in zip(rows, taken(items, rounds=3).rows(), strict=True):
        assert row["correspondence"] == pytest.approx(rest["correspondence"])
        assert row["images"] == rest["images"] + 1


def test_what_does_not_fit_is_said() -> None:
    image, other = images(3)["image-0"], images(4)["image-0"]
    selections = Selections()
    with pytest.raises(ValueError, match="at least one image"):
        selections.rows()
    with pytest.raises(ValueError, match=r"a: errors: expected \(C, P\), .* got \(3,\)"):
        selections.add("a", image.errors[:, 0], image.counts)
    with pytest.raises(ValueError, match=r"a: counts: expected \(3, 99\) and \(3,\)"):
        selections.add("a", image.errors, other.counts)
    with pytest.raises(ValueError, match=r"a: correspondence: expected \(3,\), got \(2,\)"):
        selections.add("a", image.errors, image.counts, [0.1, 0.2])
    selections.add("a", *image)
    with pytest.raises(ValueError, match="a: this image was taken in already"):
        selections.add("a", *image)
    with pytest.raises(ValueError, match=r"b: expected 3 candidates .* got 4 and 0"):
        selections.add("b", *other)
    with pytest.raises(ValueError, match="rounds: expected at least 1, got 0"):
        Selections(rounds=0)


def spread(features: np.ndarray) -> float:
    """The mean distance of pairs, one by one."""
    apart = [float(np.hypot(*(a - b))) for i, a in enumerate(features) for b in features[:i]]
    return sum(apart) / len(apart)


def test_a_ranking_chooses_the_first_and_the_few() -> None:
    items = ranked(7, 3)
    rows = {row["selection"]: row for row in taken(items).rows()}
    assert list(rows)[3:] == ["top-1", "random few", "distinct few"]
    assert [row["candidates"] for row in rows.values()] == [7, 7, 7, 7, 3, 3]
    chosen = rankings(items).items()
    close(
        rows["top-1"],
        score([(items[n], int(r.score.tolist().index(min(r.score)))) for n, r in chosen]),
    )
    places = [score([(items[n], int(r.few[k])) for n, r in chosen]) for k in range(3)]
    close(rows["distinct few"], {m: float(np.mean([p[m] for p in places])) for m in MEASURES})
    best = {m: score([(i, best_of(i, m)) for i in items.values()])[m] for m in MEASURES}
    close(rows["oracle per metric"], best)
    assert all(rows["random few"][m] == rows["rand-1"][m] for m in MEASURES)


def test_diversity_of_all_of_the_few_and_of_as_many_at_random() -> None:
    items = ranked(6, 4)
    rows = {row["selection"]: row for row in taken(items).rows()}
    features = pictures(items)
    everything = np.mean([spread(f) for f in features.values()])
    assert rows["rand-1"]["diversity"] == pytest.approx(everything)
    few = [spread(features[name][ranking.few]) for name, ranking in rankings(items).items()]
    assert rows["distinct few"]["diversity"] == pytest.approx(np.mean(few))
    # Every choice of four of the six is equally likely.
    choices = [list(c) for c in combinations(range(6), 4)]
    drawn = [np.mean([spread(f[c]) for c in choices]) for f in features.values()]
    assert rows["random few"]["diversity"] == pytest.approx(np.mean(drawn))
    for name in ("oracle per metric", "oracle one candidate", "top-1"):
        assert np.isnan(rows[name]["diversity"])


def test_the_rank_correlation_is_the_mean_over_images() -> None:
    items = ranked(8, 2)
    (top,) = [row for row in taken(items).rows() if row["selection"] == "top-1"]
    each = []
    for name, ranking in rankings(items).items():
        mean = items[name].errors.mean(1)
        a, b = (np.argsort(np.argsort(values)) for values in (ranking.score, mean))
        each.append(1 - 6 * float(((a - b) ** 2).sum()) / (8 * (64 - 1)))
    assert top["rank_correlation"] == pytest.approx(np.mean(each))
    flat = Ranking(np.zeros(8), np.arange(2))
    flats = {name: image._replace(ranking=flat) for name, image in items.items()}
    assert np.isnan([row["rank_correlation"] for row in taken(flats).rows()]).all()
    (top,) = [
        row
        for row in taken(flats | {"image-0": items["image-0"]}).rows()
        if row["selection"] == "top-1"
    ]
    assert top["rank_correlation"] == pytest.approx(each[0])


def test_what_is_expected_of_each_image() -> None:
    items = ranked(5, 2)
    table = taken(items).expected()
    assert list(table.columns) == [*MEASURES, "diversity"]
    assert list(table.index) == list(items)
    for name, image in items.items():
        alone = [score([(image, c)]) for c in range(5)]
        found = dict(table.loc[name])
        expected = {m: float(np.mean([each[m] for each in alone])) for m in MEASURES}
        expected["diversity"] = spread(pictures(items)[name])
        assert found == pytest.approx(expected, abs=1e-4)


def test_a_candidate_without_seam_leaves_the_mean_undefined_but_not_the_oracle() -> None:
    seam = np.array([np.nan, 3.0, 1.0, 2.0])
    items = {name: image._replace(seam=seam) for name, image in ranked(4, 2).items()}
    selections = taken(items, rounds=4)
    rows = {row["selection"]: row for row in selections.rows()}
    assert np.isnan(rows["rand-1"]["seam"])
    assert rows["oracle per metric"]["seam"] == 1
    assert np.isnan(selections.expected()["seam"].to_numpy()).all()


def test_a_ranking_that_does_not_fit_is_said() -> None:
    items = ranked(4, 2)
    image, scores = items["image-0"], np.arange(4.0)
    for ranking, message in (
        (Ranking(scores[:3], np.arange(2)), r"a: score: expected \(4,\) finite, got \(3,\)"),
        (Ranking(scores * np.nan, np.arange(2)), r"a: score: expected \(4,\) finite"),
        (Ranking(scores, np.array([1, 1])), r"a: few: expected distinct candidates of 0…3"),
        (Ranking(scores, np.array([0, 4])), r"a: few: expected distinct candidates of 0…3"),
        (Ranking(scores, np.array([], int)), r"a: few: expected distinct candidates of 0…3"),
    ):
        with pytest.raises(ValueError, match=message):
            Selections().add("a", *image._replace(ranking=ranking))
    with pytest.raises(ValueError, match=r"a: seam: expected \(4,\), got \(3,\)"):
        Selections().add("a", *image._replace(seam=scores[:3]))
    with pytest.raises(ValueError, match="a: features: expected 4 rows, got 2"):
        Selections().add("a", *image._replace(features=np.ones((2, 2))))
    selections = taken(items)
    with pytest.raises(ValueError, match="b: expected 4 candidates and a few of 2 .* got 4 and 0"):
        selections.add("b", *image._replace(ranking=None))
