"""`exemplar synth`: candidates, sources and attribution for a user's own inputs, as files."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from exemplar.conditions.files import InputError
from exemplar.methods.pixelnn import schedule
from exemplar.methods.pixelnn.inputs import Synthesis, synthesise_files
from exemplar.methods.pixelnn.library import Library
from exemplar.methods.pixelnn.synthesis import CandidatesSettings
from exemplar.report.attribution import shares
from exemplar.report.pictures import condition_picture, contact_sheet, correspondence_picture
from exemplar.report.spread import spread
from exemplar.settings import load_params, section
from exemplar.store.arrays import read_rows
from exemplar.store.files import written

COLUMNS = 8  # of the contact sheet


def synth(
    inputs: list[Path],
    domain: str,
    condition: str,
    out: Path,
    only: list[str],
    exclude: list[str],
    photographs: bool = False,
    like: Path | None = None,
    count: int | None = None,
) -> list[Path]:
    """Writes a folder for each input.

    Args:
        inputs: image files.
        domain: whose exemplars are used.
        condition: what the inputs are.
        out: the folder to write to; a folder of the same input is replaced.
        only: globs on ids and categories of the exemplars to use.
        exclude: globs on those not to use.
        photographs: the inputs are photographs to extract the condition from.
        like: a photograph; the exemplars that look most like it are used.
        count: how many these are.

    Returns:
        The folders written, one an input, named after its file.

    Raises:
        InputError: an input cannot be used; nothing was written.
    """
    repeated = [name for name, count in Counter(path.stem for path in inputs).items() if count > 1]
    if repeated:
        raise InputError(
            f"inputs are told apart by their names, but {', '.join(repeated)} came more than "
            "once; rename them or use two runs"
        )
    members = schedule.candidates(section(load_params(), "candidates", CandidatesSettings).schedule)
    library, made = synthesise_files(
        inputs, domain, condition, only, exclude, photographs, like, count
    )
    folders = []
    for result in made:
        folder = out / result.path.stem
        with written(folder) as partial:
            partial.mkdir()
            _write(partial, result, members, library, condition)
        folders.append(folder)
    return folders


def _write(
    folder: Path,
    result: Synthesis,
    members: list[schedule.Candidate],
    library: Library,
    condition: str,
) -> None:
    """Candidates, contact sheet, sources, attribution and correspondence picture of one input."""
    image, source = result.composed
    side = image.shape[1]
    pictured = condition_picture(condition, result.condition, side)
    names = [f"{index:02d}-{member}" for index, member in enumerate(members)]
    _save(folder / "input.png", pictured)
    _save(folder / "regressed.png", result.regressed)
    (folder / "candidates").mkdir()
    for name, picture in zip(names, image, strict=True):
        _save(folder / "candidates" / f"{name}.png", picture)
    sheet = contact_sheet(
        [pictured, result.regressed, *image], ["input", "regressed", *map(str, members)], COLUMNS
    )
    _save(folder / "contact-sheet.png", sheet)
    np.savez_compressed(
        folder / "sources.npz",
        source=source,
        candidates=np.array([tuple(member) for member in members]),
        ids=library.items["id"].to_numpy(dtype=str),
    )
    attribution = pd.concat(
        [
            shares(each, library.items).assign(candidate=name)
            for name, each in zip(names, source, strict=True)
        ]
    )
    attribution = attribution.rename(columns={"id": "exemplar", "source": "path"})
    attribution[["candidate", "exemplar", "path", "licence", "share"]].to_csv(
        folder / "attribution.csv", index=False, float_format="%.6f"
    )
    _save(folder / "correspondence.png", _correspondences(result, members, library))


def _correspondences(
    result: Synthesis, members: list[schedule.Candidate], library: Library
) -> np.ndarray:
    """Figure 5 for a few candidates that differ and draw on several exemplars."""
    image, source = result.composed
    several = [index for index, member in enumerate(members) if member.neighbours > 1]
    chosen = [several[index] for index in spread(image[several], 3)]
    pictures = []
    for index in chosen:
        rows = [row for row in shares(source[index], library.items).index if row >= 0][:8]
        exemplars = read_rows(library.image, rows)
        pictures.append(correspondence_picture(image[index], source[index], exemplars, rows))
    return contact_sheet(pictures, [str(members[index]) for index in chosen], len(pictures))


def _save(path: Path, image: np.ndarray) -> None:
    Image.fromarray(image).save(path)
