"""What each part of coherent candidates gives, one varied at a time, on validation images.

Starts from the section `coherent` of params.yaml; every variant makes all candidates of the same
inputs, and the judge scores them as the stage `evaluate` does. The test images are not looked at.

    python -m benchmarks.ablation --domain faces --condition edges [--images 10]
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from exemplar.estimators import load_estimators
from exemplar.methods.pixelnn.compose import Composed
from exemplar.methods.pixelnn.library import Library, open_library
from exemplar.methods.pixelnn.schedule import candidates
from exemplar.methods.pixelnn.synthesis import CandidatesSettings, residuals_of, synthesise
from exemplar.metrics.diversity import mean_pairwise
from exemplar.metrics.edges import average_precision, edge_counts
from exemplar.metrics.frechet import features_name, frechet_distance
from exemplar.metrics.judge import Judge, Seen
from exemplar.metrics.normals import angular_error
from exemplar.metrics.seams import seam_energy
from exemplar.settings import load_params, section
from exemplar.store import layout
from exemplar.store.arrays import read_rows
from exemplar.store.files import written
from exemplar.store.items import rows_of

EDGE = 0.5  # what the judge must see in a photograph for an edge
PHOTOGRAPHS = 1000  # of the training split, for the Fréchet distance


def variants(chosen: CandidatesSettings, published: CandidatesSettings) -> dict[str, Any]:
    """Settings by name: the published and the chosen ones, and what differs from these by one."""
    matching = chosen.matching

    def having(**changes: Any) -> CandidatesSettings:
        return chosen.model_copy(update=changes)

    def matched_by(**changes: Any) -> CandidatesSettings:
        return having(matching=matching.model_copy(update=changes))

    return {
        "published": published,
        "chosen": chosen,
        "matched": having(composition="matched"),
        **{f"voted, votes {v}": having(composition="voted", votes=v) for v in (1, 2, 3)},
        **{f"seamless, anchor {a}": having(composition="seamless", anchor=a) for a in (0.02, 0.5)},
        **{f"likeness {s}": having(likeness=s) for s in (0.0, 0.5, 5.0)},
        **{f"support {r}": matched_by(support=r) for r in (0, 3, 8)},
        "softness 0.1": matched_by(softness=0.1),
        "residual luma": having(residual="luma"),
        "search patchmatch": matched_by(search="patchmatch"),
        **{f"D {d}": chosen for d in (16, 32)},
    }


def main() -> None:
    """Prints and writes one row a variant, and the chosen one's rows by K and T."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--domain", default="rendered")
    parser.add_argument("--condition", default="edges")
    parser.add_argument("--images", type=int, default=10, help="of the validation split")
    parser.add_argument("--only", action="append", help="a variant's name; all by default")
    args = parser.parse_args()
    torch.set_num_threads(1)
    params = load_params()
    chosen = section(params, "coherent", CandidatesSettings)
    published = section(params, "candidates", CandidatesSettings)
    library = open_library(args.domain, args.condition)
    rows = rows_of(library.items, "val")[: args.images]
    judge = Judge(load_estimators(layout.ESTIMATORS))
    some = library.exemplars.rows[:: max(1, len(library.exemplars.rows) // PHOTOGRAPHS)]
    real = np.concatenate([judge.means(read_rows(library.image, [row])) for row in some])
    table = []
    for name, settings in variants(chosen, published).items():
        if args.only and name not in args.only:
            continue
        dimensions = int(name.split()[1]) if name.startswith("D ") else None
        each = pd.concat(scored(library, rows, settings, judge, dimensions))
        means = np.stack(each.pop("means").tolist())
        table.append({"variant": name, **summary(each, frechet_distance(real, means))})
        print(pd.DataFrame(table[-1:]).to_string(index=False, header=len(table) == 1), flush=True)
        if name == "chosen":
            for by in ("K", "T"):
                for value, part in each.groupby(by):
                    chosen_means = means[(each[by] == value).to_numpy()]
                    row = summary(part, frechet_distance(real, chosen_means))
                    table.append({"variant": f"chosen, {by} {value or 'whole'}", **row})
    out = Path(f"reports/benchmarks/ablation-{args.domain}-{args.condition}.csv")
    out.parent.mkdir(parents=True, exist_ok=True)
    with written(out) as partial:
        pd.DataFrame(table).to_csv(partial, index=False, float_format="%.5g")
    print(f"{len(rows)} validation images; judged by {judge.identity}; the Fréchet distance is on "
          f"{features_name(judge.identity)}, {len(real)} photographs\n{out}")  # fmt: skip


def scored(
    library: Library,
    rows: np.ndarray,
    settings: CandidatesSettings,
    judge: Judge,
    dimensions: int | None,
) -> Iterator[pd.DataFrame]:
    """The scores of all candidates of each input; only the first `dimensions` describe pixels."""
    for row in rows:
        truth = judge(read_rows(library.image, [row]))
        regressed = read_rows(library.regressed, [row])[0]
        began = time.perf_counter()
        composed = made(library, int(row), regressed, settings, dimensions)
        seconds = time.perf_counter() - began
        seen = judge(composed.image)

        def residual(rows: np.ndarray, kind: Any = settings.residual) -> np.ndarray:
            return residuals_of(library, rows, kind).cpu().numpy()

        seam = seam_energy(composed.image, composed.source, regressed, residual)
        yield scores_of(settings, truth, seen).assign(
            seam=seam,
            diversity=mean_pairwise(seen.perceptual),
            seconds=seconds,
            means=list(seen.means),
        )


def made(
    library: Library,
    row: int,
    regressed: np.ndarray,
    settings: CandidatesSettings,
    dimensions: int | None,
) -> Composed:
    """The candidates of an image of the library."""
    descriptor = read_rows(library.descriptor, [row])[0]
    if dimensions is not None:
        # Directions are in order of variance; with the rest of the query 0 they do not count,
        # though the exemplars' lengths are still those of all.
        descriptor = descriptor.copy()
        descriptor[..., dimensions:] = 0
    scene = read_rows(library.scene, [row])[0]
    return synthesise(library, regressed, descriptor, scene, settings)


def scores_of(settings: CandidatesSettings, truth: Seen, seen: Seen) -> pd.DataFrame:
    """Each candidate's K, T, mean angular error and average precision."""
    errors = angular_error(seen.normals, truth.normals[0]).reshape(len(seen.normals), -1)
    members = candidates(settings.schedule)
    return pd.DataFrame(
        {
            "K": [member.neighbours for member in members],
            "T": [member.window for member in members],
            "mean": errors.mean(1),
            "ap": average_precision(edge_counts(seen.edges, truth.edges[0] >= EDGE)),
        }
    )


def summary(each: pd.DataFrame, distance: float) -> dict[str, float]:
    """The means over candidates and inputs."""
    columns = ["mean", "ap", "seam", "diversity", "seconds"]
    return {**each[columns].mean().to_dict(), "fréchet": distance}


if __name__ == "__main__":
    main()
