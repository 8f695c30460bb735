"""Two methods at one size: which candidates are looked at, and the rows by plain recomputation."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from exemplar.metrics.detail import Chosen, Detail, DetailSettings
from exemplar.metrics.edges import average_precision, edge_counts
from exemplar.metrics.judge import Seen
from exemplar.metrics.kernel_distance import kernel_difference_interval, kernel_distance
from exemplar.metrics.normals import angular_error
from exemplar.settings import SettingsError, section

SIDE, IMAGES, DRAWN, PHOTOGRAPHS = 12, 5, 2, 6


class Eyes:
    """A network whose features are the mean colour."""

    name = "eyes"

    def __call__(self, images: np.ndarray) -> np.ndarray:
        return images.reshape(len(images), -1, 3).mean(1).astype(np.float32) / 50


class Sight:
    """A judge that takes colours for normals, and red for edges."""

    identity = "sight#12"

    def __call__(self, images: np.ndarray) -> Seen:
        normals = images.astype(np.float32) - 127.5
        edges = images[..., 0].astype(np.float32) / 255
        none = np.zeros((len(images), 1), np.float32)
        return Seen(normals, edges, none, none, edges.astype(np.uint8))


def pictures(generator: np.random.Generator, count: int, level: int) -> np.ndarray:
    drawn = generator.integers(0, 120, (count, SIDE, SIDE, 3))
    return np.clip(drawn + level, 0, 255).astype(np.uint8)


@pytest.fixture(scope="module")
def made() -> list[dict[str, Chosen]]:
    draw = np.random.default_rng(0)
    levels = {"coherent": 100, "whole": 20}
    return [
        {m: Chosen(pictures(draw, 1, v), pictures(draw, DRAWN, v)) for m, v in levels.items()}
        for _ in range(IMAGES)
    ]


@pytest.fixture(scope="module")
def photographs() -> np.ndarray:
    return pictures(np.random.default_rng(1), PHOTOGRAPHS, 20)


def looked(made, photographs, judged: int) -> pd.DataFrame:
    settings = DetailSettings(candidates=DRAWN, photographs=PHOTOGRAPHS)
    detail = Detail(settings, 0, Sight(), "nothing", 0.4, Eyes())  # pyright: ignore[reportArgumentType]
    for place, one in enumerate(made):
        detail.add(f"cat-{place}", one, photographs[place] if place < judged else None)
    for each in photographs:
        detail.add_photograph(each)
    return detail.table()


def test_judged_rows_are_means_over_images_of_means_over_candidates(made, photographs):
    table = looked(made, photographs, 4).set_index(["metric", "selection"])
    for selection, part in (("top-1", 0), ("rand-1", 1)):
        for method in ("coherent", "whole"):
            angles, areas = [], []
            for one, truth in zip(made[:4], photographs, strict=False):
                images, real = one[method][part], Sight()(truth[None])
                seen = Sight()(images)
                angles.append(angular_error(seen.normals, real.normals[0]).mean())
                counts = edge_counts(seen.edges, real.edges[0] >= 0.4)
                areas.append(average_precision(counts).mean())
            for metric, values in (("mean", angles), ("ap", areas)):
                row = table.loc[(metric, selection)]
                assert row[method] == pytest.approx(np.mean(values), rel=1e-5)
                assert row[f"{method}_low"] < row[method] < row[f"{method}_high"]
                assert row["difference"] == pytest.approx(row["whole"] - row["coherent"])
                assert row["low"] < row["difference"] < row["high"]
                assert (row["judge"], row["judge_shares"]) == ("sight#12", "nothing")
    assert (table.loc[["mean", "ap"], "images"] == 4).all()
    assert (table["side"] == SIDE).all()


def test_distances_are_of_all_images(made, photographs):
    table = looked(made, photographs, 2).set_index(["metric", "selection"])
    real = Eyes()(photographs)
    for selection, part in (("top-1", 0), ("rand-1", 1)):
        row = table.loc[("kid_efficientnet_lite2", selection)]
        both = [np.stack([Eyes()(one[m][part]) for one in made]) for m in ("coherent", "whole")]
        for method, features in zip(("coherent", "whole"), both, strict=True):
            assert row[method] == pytest.approx(kernel_distance(real, features))
        assert [row["low"], row["high"]] == pytest.approx(kernel_difference_interval(real, *both))
        assert row["whole"] < row["coherent"], "as dark as the photographs"
        assert (row["images"], row["candidates"]) == (IMAGES, 1 + part)
        assert (row["judge"], row["judge_shares"]) == ("eyes, of 6 photographs", "")
    # Three features, and two images a feature: here the Fréchet distance is known, without ends.
    row = table.loc[("fd_efficientnet_lite2", "rand-1")]
    assert row["difference"] < 0 and np.isnan(row["low"]) and np.isnan(row["whole_high"])


def test_what_is_undefined_has_no_row(made, photographs):
    assert set(looked(made[:1], photographs, 1)["metric"]) == {"mean", "ap"}
    assert "mean" not in set(looked(made, photographs, 0)["metric"])
    black = np.zeros_like(photographs)  # no true edges
    assert set(looked(made[:1], black, 1)["metric"]) == {"mean"}


def test_candidates_are_drawn_by_the_image_alone():
    detail = Detail(DetailSettings(candidates=3), 7, Sight(), "", 0.5, Eyes())  # pyright: ignore[reportArgumentType]
    first = detail.drawn("cat-1", 9)
    assert first == sorted(set(first)) and len(first) == 3 and max(first) < 9
    assert detail.drawn("cat-1", 9) == first
    assert len({tuple(detail.drawn(f"cat-{i}", 9)) for i in range(20)}) > 5
    assert detail.drawn("cat-1", 2) == [0, 1], "all there are"


def test_settings_say_what_is_wrong():
    with pytest.raises(SettingsError, match=r"(?s)detail\.side.*detail\.photograph:"):
        section({"detail": {"side": 8, "photograph": 3}}, "detail", DetailSettings)
