"""Paired differences and their intervals: coverage, pairing, and what is left out."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from exemplar.metrics.comparison import bootstrap_interval, compare


def test_the_interval_is_that_of_resampled_means() -> None:
    values = np.random.default_rng(0).exponential(5, 40)
    generator = np.random.default_rng(1)
    means = [generator.choice(values, 40).mean() for _ in range(8000)]
    low, high = bootstrap_interval(values)
    width = high - low
    assert low == pytest.approx(np.quantile(means, 0.025), abs=0.03 * width)
    assert high == pytest.approx(np.quantile(means, 0.975), abs=0.03 * width)
    assert bootstrap_interval(values) == (low, high)
    assert bootstrap_interval(values, seed=1) != (low, high)


def test_one_value_has_no_interval() -> None:
    assert np.isnan(bootstrap_interval(np.array([3.0]))).all()


def tables(shift: float, images: int = 30) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Two methods whose errors differ between images much more than between methods."""
    generator = np.random.default_rng(2)
    ids = [f"image-{k}" for k in range(images)]
    published = pd.DataFrame({"mean": generator.uniform(5, 50, images)}, index=ids)
    coherent = published + shift + generator.normal(0, 0.2, (images, 1))
    return published, coherent


@pytest.mark.parametrize(("shift", "sign"), [(-0.5, -1), (0.5, 1)])
def test_pairs_show_what_means_alone_would_not(shift: float, sign: int) -> None:
    published, coherent = tables(shift)
    (row,) = compare(published, coherent.sample(frac=1, random_state=0), ["mean"]).to_dict(
        "records"
    )
    assert row["difference"] == pytest.approx(row["coherent"] - row["published"])
    assert row["coherent"] == pytest.approx(coherent["mean"].mean())
    assert row["images"] == 30
    assert row["low"] < row["difference"] < row["high"]
    assert sign * row["low"] > 0 and sign * row["high"] > 0


def test_no_difference_is_not_one() -> None:
    (row,) = compare(*tables(0.0), ["mean"]).to_dict("records")
    assert row["low"] < 0 < row["high"]


def test_images_without_a_value_of_one_method_count_for_neither() -> None:
    published, coherent = tables(1.0, 6)
    published["ap"], coherent["ap"] = 0.5, 0.75
    published["seam"], coherent["seam"] = np.nan, 2.0
    coherent.loc["image-1", "ap"] = np.nan
    published.loc["image-1", "ap"] = 100.0
    table = compare(published, coherent, ["mean", "ap", "seam"]).set_index("metric")
    assert list(table.index) == ["mean", "ap"]
    assert table.loc["ap"].to_dict() == {
        "published": 0.5, "coherent": 0.75, "difference": 0.25, "low": 0.25, "high": 0.25,
        "images": 5,
    }  # fmt: skip


def test_other_images_are_an_error() -> None:
    published, coherent = tables(0.0, 4)
    with pytest.raises(ValueError, match=r"same images .* \['image-3'\] are only of one"):
        compare(published, coherent.iloc[:3], ["mean"])
