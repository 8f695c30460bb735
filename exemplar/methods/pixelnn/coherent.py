"""Coherent candidates of a domain, ranked: → candidates/coherent/<domain>-<condition>.zarr.

They are made as the published ones are, by the settings of their own section, and then judged.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
import zarr

from exemplar.memory import keep_freed_memory
from exemplar.methods.pixelnn.candidates import (
    Arrays,
    Method,
    Synthesis,
    files_hash,
    fill_candidates,
    open_synthesis,
    stacked,
)
from exemplar.methods.pixelnn.cues import open_examiner
from exemplar.methods.pixelnn.library import Library
from exemplar.methods.pixelnn.ranking import (
    CueWeights,
    Ranker,
    RankingError,
    RankingSettings,
    fit,
    open_ranker,
)
from exemplar.methods.pixelnn.synthesis import CandidatesSettings, residuals_of
from exemplar.metrics.normals import angular_error
from exemplar.metrics.seams import Residuals
from exemplar.settings import load_params, section
from exemplar.store import layout
from exemplar.store.arrays import array, open_group, read_rows


@dataclass(frozen=True)
class Coherent:
    """Ranked candidates of some images of a domain; called with some, it makes theirs.

    Attributes:
        made: the candidates.
        stored: (N, …), the condition.
        ranker: ranks them.
    """

    made: Synthesis
    stored: zarr.Array
    ranker: Ranker

    def __call__(self, part: slice) -> dict[str, np.ndarray]:
        """Images, sources, scores and the distinct few of some images."""
        return stacked([self._one(row) for row in self.made.rows[part].tolist()])

    def _one(self, row: int) -> dict[str, np.ndarray]:
        composed = self.made.one(row)
        (stored,) = read_rows(self.stored, [row])
        (regressed,) = read_rows(self.made.library.regressed, [row])
        residual = residual_source(self.made.library, self.made.settings)
        ranking = self.ranker(stored, regressed, composed, residual)
        return composed._asdict() | ranking._asdict()

    @property
    def arrays(self) -> Arrays:
        """The form of the store."""
        count = len(self.made.members)
        few = min(self.ranker.few, count)
        return self.made.arrays | {"score": ((count,), "float32"), "few": ((few,), "int16")}


def residual_source(library: Library, settings: CandidatesSettings) -> Residuals:
    """From exemplars' rows (E,) to their residuals (E, H, W, 3) int16, as they are composed."""
    return lambda rows: residuals_of(library, rows, settings.residual).cpu().numpy()


def open_coherent(domain: str, condition: str, method: Method = "coherent") -> Coherent:
    """Opens everything that ranked candidates of test images are made from, in any process."""
    made = open_synthesis(domain, condition, method)
    keep_freed_memory()
    stored = array(open_group(layout.conditions(domain), condition), condition)
    return Coherent(made, stored, open_ranker(domain, condition, made.settings.device))


def build_coherent(domain: str, condition: str, cluster: str | None = None) -> None:
    """Synthesises every test image of a domain and ranks the candidates.

    Args:
        domain: whose images.
        condition: what they are synthesised from.
        cluster: the address of a Dask scheduler whose workers are to do it; by default this
            process, or as many as `coherent.workers` in `params.yaml` says.

    Raises:
        StoreError: a store is missing or damaged, or workers are not where the files are.
        RankingError: the weights are missing or do not fit.
    """
    maker = open_coherent(domain, condition)
    ranker = maker.ranker
    ranked_by = ranker.weights.model_dump() | {"few": ranker.few, "good": ranker.good}
    inputs = [files_hash(domain, condition), layout.conditions(domain), ranked_by]
    fill_candidates(domain, condition, maker.made, maker, open_coherent, inputs, cluster)


def learn_ranking(domain: str, condition: str) -> CueWeights:
    """Weighs the cues of coherent candidates on a domain's validation images.

    Args:
        domain: whose images.
        condition: what candidates are synthesised from.

    Returns:
        The weights; errors are those that the judge sees, against the photographs.

    Raises:
        RankingError: there is no validation image.
    """
    settings = section(load_params(), "ranking", RankingSettings)
    made = open_synthesis(domain, condition, "coherent", "val")
    torch.set_num_threads(settings.threads)
    keep_freed_memory()
    if not len(made.rows):
        raise RankingError(
            f"{layout.items(domain)}: no image of the split val, from which it is learned how to "
            f"rank candidates; give domains.{domain} some in params.yaml (rendered: `val: 16`, "
            "photographs: `splits: {val: 20}`) and run `exemplar reproduce`"
        )
    stored = array(open_group(layout.conditions(domain), condition), condition)
    residual = residual_source(made.library, made.settings)
    examiner = open_examiner(domain, condition, made.settings.device)
    cues, errors = [], []
    for row in made.rows[: settings.images].tolist():
        composed = made.one(row)
        (x,), (regressed,) = read_rows(stored, [row]), read_rows(made.library.regressed, [row])
        found = examiner(x, regressed, composed, residual)
        truth = examiner.judge(read_rows(made.library.image, [row])).normals[0]
        cues.append(found.values)
        errors.append(angular_error(found.seen.normals, truth).mean((1, 2)))
        print(f"ranking {domain}-{condition}: {made.library.items['id'].iloc[row]}", flush=True)
    return fit(cues, errors, examiner.judge.identity)
