"""Stage `judge`: heads of strangers, rendered here and kept nowhere → models/judge.safetensors.

The judge sees what the estimators see, but shares nothing with them: it learns from other animals,
by other draws, from other first weights. It makes no input, no descriptor and no ranking, so what
it says of an image does not hang on the networks that made it.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from pydantic import Field

from exemplar.data.ingest import code_hash
from exemplar.data.rendered import PARTS, RenderedSettings
from exemplar.data.rendered.strangers import STRANGERS
from exemplar.data.settings import PrepareSettings
from exemplar.data.synthetic import prepare_rendered
from exemplar.estimators import EstimatorsSettings, save_estimators, train_estimators
from exemplar.settings import load_params, section
from exemplar.store import layout
from exemplar.store.arrays import array, open_group, working_copy
from exemplar.store.files import workplace
from stages.ends import run

DATA = "strangers"
"""What it learned from, in its name."""

HEADS = "judge.heads"
"""The folder of its renders; no domain can be called so."""

ARRAYS = ("image", "normals", "labels", "edges")


class JudgeSettings(EstimatorsSettings):
    """The section `judge` of `params.yaml`."""

    heads: int = Field(default=400, ge=1)
    """How many are rendered to learn from, at `prepare.image_size`."""
    seed: int = Field(default=1, ge=0)
    """Of rendering them; that of training is `training.seed`."""


def main() -> None:
    """Renders the strangers and trains on them; goes on from both if it was killed."""
    params = load_params()
    settings = section(params, "judge", JudgeSettings)
    common = section(params, "prepare", PrepareSettings).model_copy(update={"seed": settings.seed})
    wanted = RenderedSettings(train=settings.heads, val=0, test=0, breeds=tuple(STRANGERS))
    by = [settings.model_dump(mode="json"), common.image_size, code_hash()]
    with workplace("judge", *by) as folder:
        heads = folder / HEADS
        if not (heads / "items.parquet").is_file():  # it is written after the images
            prepare_rendered(heads, wanted, common)
        learned = learned_from(heads, settings.heads, folder)
        own = EstimatorsSettings(**settings.model_dump(exclude={"heads", "seed"}))
        network = train_estimators(learned, PARTS, own, folder, name="judge")
        save_estimators(layout.JUDGE, network, PARTS, own, DATA)


def learned_from(heads: Path, count: int, folder: Path) -> dict[str, np.ndarray]:
    """Images and their truth, as memory maps in a folder."""
    group, rows = open_group(heads / "images.zarr", *ARRAYS), np.arange(count)
    return {n: working_copy(array(group, n), rows, folder / f"{n}.npy") for n in ARRAYS}


if __name__ == "__main__":
    run(main)
