"""Is one method better than another by more than the choice of test images? Paired, by bootstrap.

Stands at the end of the way of the data: what `selection` kept of each image comes in.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy import stats

from exemplar.store.arrays import StoreError

CONFIDENCE = 0.95
RESAMPLES = 9999


class Interval(NamedTuple):
    """Where the mean of a population lies with `CONFIDENCE`."""

    low: float
    high: float


def bootstrap_interval(values: np.ndarray, seed: int = 0) -> Interval:
    """The interval of the mean of values drawn independently, by resampling them.

    Args:
        values: (N,) finite.
        seed: of the resampling.

    Returns:
        The percentile interval; NaN of fewer than two values.

    Source: Efron, 1979; percentiles, for those corrected for bias are undefined where all values
    are equal.

    >>> bootstrap_interval(np.array([2.0, 2.0, 2.0]))
    Interval(low=2.0, high=2.0)
    """
    if len(values) < 2:
        return Interval(float("nan"), float("nan"))
    found = stats.bootstrap(
        (np.asarray(values, np.float64),),
        np.mean,
        n_resamples=RESAMPLES,
        confidence_level=CONFIDENCE,
        method="percentile",
        batch=999,  # memory does not grow with the resamples
        rng=np.random.default_rng(seed),
    ).confidence_interval
    return Interval(float(found.low), float(found.high))


def compare(
    published: pd.DataFrame, coherent: pd.DataFrame, metrics: list[str], seed: int = 0
) -> pd.DataFrame:
    """Each metric of two methods on the same images, and the interval of their difference.

    Args:
        published: one row an image, indexed by its id; the metrics' values, NaN where undefined.
        coherent: as `published`.
        metrics: columns of both.
        seed: of the resampling; every metric is resampled alike.

    Returns:
        A row for each metric that both have of some image: `metric`; `published` and `coherent`,
        means over the images of which both have it; `difference`, coherent - published, with `low`
        and `high` of its interval over images; `images`, how many these are.

    Raises:
        StoreError: the images are not the same.

    >>> one, other = pd.DataFrame({"mean": [4.0, 6.0]}), pd.DataFrame({"mean": [3.0, 5.0]})
    >>> compare(one, other, ["mean"]).to_dict("records")[0]["high"]
    -1.0
    """
    apart = published.index.symmetric_difference(coherent.index)
    if len(apart):
        raise StoreError(
            f"expected the same images of both methods, {list(apart[:5])} are only of one"
        )
    rows = []
    for metric in metrics:
        pair = pd.DataFrame({"published": published[metric], "coherent": coherent[metric]}).dropna()
        if pair.empty:
            continue
        difference = (pair["coherent"] - pair["published"]).to_numpy()
        rows.append(
            {
                "metric": metric,
                **pair.mean().to_dict(),
                "difference": float(difference.mean()),
                **bootstrap_interval(difference, seed)._asdict(),
                "images": len(pair),
            }
        )
    columns = ["metric", "published", "coherent", "difference", "low", "high", "images"]
    return pd.DataFrame(rows, columns=columns)
