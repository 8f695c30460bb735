"""`exemplar synth`: candidates, sources and attribution for a user's own inputs, as files."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from exemplar.conditions.files import InputError
from exemplar.methods.pixelnn.inputs import Made, synthesise_files
from exemplar.methods.pixelnn.library import Library
from exemplar.report.attribution import added, mean_added, shares
from exemplar.report.pictures import condition_picture, contact_sheet, correspondence_picture
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
    alike_count: int | None = None,
    count: int | None = None,
    published: bool = False,
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
        alike_count: how many these are.
        count: how many candidates, good and distinct ones; all by default.
        published: make the published candidates, which are not ranked.

    Returns:
        The folders written, one an input, named after its file.

    Raises:
        InputError: an input cannot be used; nothing was written.
    """
    stems = Counter(path.stem for path in inputs)
    repeated = [name for name, times in stems.items() if times > 1]
    if repeated:
        raise InputError(
            f"inputs are told apart by their names, but {', '.join(repeated)} came more than "
            "once; rename them or use two runs"
        )
    library, made = synthesise_files(
        inputs, domain, condition, only, exclude, photographs, like, alike_count, count, published
    )
    folders = []
    for result in made:
        folder = out / result.path.stem
        with written(folder) as partial:
            partial.mkdir()
            _write(partial, result, library, condition)
        folders.append(folder)
    return folders


def _write(folder: Path, made: Made, library: Library, condition: str) -> None:
    """Candidates, contact sheet, sources, attribution and correspondence picture of one input."""
    image, source = made.composed
    pictured = condition_picture(condition, made.condition, image.shape[1])
    digits = len(str(len(image)))
    names = [f"{n:0{digits}d}-{member}" for n, member in enumerate(made.members, start=1)]
    _save(folder / "input.png", pictured)
    _save(folder / "regressed.png", made.regressed)
    (folder / "candidates").mkdir()
    for name, picture in zip(names, image, strict=True):
        _save(folder / "candidates" / f"{name}.png", picture)
    captions = ["input", "regressed", *_captions(made)]
    sheet = contact_sheet([pictured, made.regressed, *image], captions, COLUMNS)
    _save(folder / "contact-sheet.png", sheet)
    plus = added(image, source, library.image)
    np.savez_compressed(
        folder / "sources.npz",
        source=source,
        added=plus,
        candidates=np.array([tuple(member) for member in made.members]),
        votes=np.array(made.votes),
        score=made.score,
        ids=library.items["id"].to_numpy(dtype=str),
    )
    attribution = pd.concat(
        shares(each, library.items, made.votes).assign(
            candidate=name, score=score, added=mean_added(each, more)
        )
        for name, score, each, more in zip(names, made.score, source, plus, strict=True)
    )
    attribution = attribution.rename(columns={"id": "exemplar", "source": "path"})
    attribution[["candidate", "score", "exemplar", "path", "licence", "share", "added"]].to_csv(
        folder / "attribution.csv", index=False, float_format="%.6f"
    )
    _save(folder / "correspondence.png", _correspondences(made, library))


def _captions(made: Made) -> list[str]:
    """Each candidate's rank, by which its files are named, and its score; without one, its name."""
    return [
        str(member) if np.isnan(score) else f"{rank} ({score:+.1f})"
        for rank, (member, score) in enumerate(zip(made.members, made.score, strict=True), start=1)
    ]


def _correspondences(made: Made, library: Library) -> np.ndarray:
    """Figure 5 for the first three, each of another leader, that draw on several exemplars.

    Where none does, others are shown. Of voted candidates it shows each pixel's own match.
    """
    image, source = made.composed
    several = [index for index, member in enumerate(made.members) if member.neighbours > 1]
    leaders: dict[int, int] = {}
    for index in several or range(len(image)):
        leaders.setdefault(made.members[index].first, index)
    chosen, pictures = list(leaders.values())[:3], []
    for index in chosen:
        used = shares(source[index], library.items).index
        rows = [row for row in used if row >= 0][:8]
        exemplars = read_rows(library.image, rows)
        pictures.append(correspondence_picture(image[index], source[index], exemplars, rows))
    return contact_sheet(pictures, [str(made.members[index]) for index in chosen], len(pictures))


def _save(path: Path, image: np.ndarray) -> None:
    Image.fromarray(image).save(path)
