"""What a whole picture was made of: enough to make it again of the photographs alone.

Each pixel's source, which photographs these are, whether they were mirrored, and how the followers'
colours were changed. No network, no search and no label map is needed.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from exemplar.methods.pixelnn.whole.candidates import Whole
from exemplar.methods.pixelnn.whole.photographs import Photographs
from exemplar.methods.pixelnn.whole.settings import WholeSettings
from exemplar.patches.exemplars import Exemplar
from exemplar.patches.levels import Size
from exemplar.patches.recolouring import ColourMap
from exemplar.patches.voting import rederive
from exemplar.settings import load_params
from exemplar.store.arrays import StoreError
from exemplar.store.files import content_hash
from exemplar.store.items import row_of_id

NONE = -1
"""In place of an exemplar where a candidate has no more, and of a colour map where it has none."""


class Record(NamedTuple):
    """What a picture was made of, as it is stored.

    Attributes:
        source: (H, W, 3) int16: slot, row and column in the photograph itself.
        exemplar: (S,) int32 rows of the domain; −1 where there is none.
        mirrored: (S,) u8, 1 where the photograph was used mirrored.
        gain: (S, h, w, 3) f16, see `ColourMap`; 1 where colours are the photograph's own.
        shift: (S, h, w, 3) f16.
    """

    source: NDArray[np.int16]
    exemplar: NDArray[np.int32]
    mirrored: NDArray[np.uint8]
    gain: NDArray[np.float16]
    shift: NDArray[np.float16]


def recorded(whole: Whole, slots: int, grid: Size) -> Record:
    """A candidate's record, with room for so many exemplars and colour maps of a size."""
    gain = np.ones((slots, *grid, 3), np.float16)
    shift = np.zeros((slots, *grid, 3), np.float16)
    exemplar, mirrored = np.full(slots, NONE, np.int32), np.zeros(slots, np.uint8)
    for slot, (used, pick) in enumerate(zip(whole.exemplars, whole.picks, strict=True)):
        exemplar[slot], mirrored[slot] = pick.row, pick.mirrored
        if used.colours is not None:
            gain[slot], shift[slot] = used.colours.gain, used.colours.shift
    return Record(whole.source.astype(np.int16), exemplar, mirrored, gain, shift)


def composed_of(record: Record, photographs: Photographs) -> list[Exemplar]:
    """The exemplars of a record, of which `patches.voting.rederive` makes its picture."""
    found = []
    for slot, row in enumerate(record.exemplar.tolist()):
        if row == NONE:
            break
        gain, shift = (maps[slot].astype(np.float32) for maps in (record.gain, record.shift))
        own = bool((gain == 1).all() and (shift == 0).all())
        colours = None if own else ColourMap(gain, shift)
        image = photographs.image(row)
        found.append(Exemplar(image, mirrored=bool(record.mirrored[slot]), colours=colours))
    return found


def save(
    path: Path,
    domain: str,
    made: Sequence[Whole],
    score: NDArray[np.floating],
    ids: NDArray[np.str_],
    notes: Sequence[str],
) -> None:
    """Writes the records of an input's candidates as `sources.npz`.

    Args:
        path: the file.
        domain: whose photographs they are.
        made: the candidates.
        score: (C,) theirs.
        ids: (N,) of the domain's photographs.
        notes: how the input was read.
    """
    slots = max(len(each.picks) for each in made)
    maps: dict[int, ColourMap] = {}
    colours = np.full((len(made), slots), NONE, np.int32)
    exemplar = np.full((len(made), slots), "", ids.dtype)
    mirrored = np.zeros((len(made), slots), bool)
    for place, each in enumerate(made):
        for slot, (used, pick) in enumerate(zip(each.exemplars, each.picks, strict=True)):
            exemplar[place, slot], mirrored[place, slot] = ids[pick.row], pick.mirrored
            if used.colours is not None:
                maps.setdefault(id(used.colours), used.colours)
                colours[place, slot] = list(maps).index(id(used.colours))
    np.savez_compressed(
        path,
        domain=np.array(domain),
        source=np.stack([each.source for each in made]).astype(np.int16),
        exemplar=exemplar,
        mirrored=mirrored,
        colours=colours,
        gain=np.array([one.gain for one in maps.values()], np.float16),
        shift=np.array([one.shift for one in maps.values()], np.float16),
        pictures=np.array([content_hash(each.image.tobytes()) for each in made]),
        votes=np.array(made[0].votes),
        candidates=np.array([str(each.member) for each in made]),
        score=score,
        notes=np.array(notes, dtype=str),
    )


def rederived(path: Path | str) -> NDArray[np.uint8]:
    """The pictures of a `sources.npz` of `exemplar synth`, made of the photographs once more.

    Args:
        path: the file; photographs are read where `params.yaml` of the working directory says.

    Returns:
        (C, H, W, 3) u8, to the byte those that were written.

    Raises:
        StoreError: the file is of another method, names photographs that are not there, or another
            part of them is used by now.
        DomainError: a photograph is gone, or is another than before.
    """
    with np.load(path, allow_pickle=False) as stored:
        if "domain" not in stored:
            raise StoreError(
                f"{path}: not of whole pictures; those of other methods are made of "
                "images.zarr (docs/candidates.md)"
            )
        values = {name: stored[name] for name in stored.files}
    source = values["source"].astype(np.int32)
    side = max(source.shape[1:3])
    photographs = Photographs(str(values["domain"]), load_params(), WholeSettings(), side)
    made = []
    for place in range(len(source)):
        exemplars = []
        for slot, identity in enumerate(values["exemplar"][place].tolist()):
            if not identity:
                break
            row = row_of_id(photographs.items, identity)
            if row is None:
                raise StoreError(f"{path}: the domain has no photograph {identity} any more")
            at = int(values["colours"][place, slot])
            colours = None
            if at != NONE:
                gain, shift = (values[name][at].astype(np.float32) for name in ("gain", "shift"))
                colours = ColourMap(gain, shift)
            turned = bool(values["mirrored"][place, slot])
            image = photographs.image(row)
            exemplars.append(Exemplar(image, mirrored=turned, colours=colours))
        made.append(rederive(source[place], exemplars, int(values["votes"])))
    if [content_hash(each.tobytes()) for each in made] != values["pictures"].tolist():
        raise StoreError(
            f"{path}: the photographs of {values['domain']} are used otherwise than when it was "
            "written (`prepare` or `domains` in params.yaml have changed since); make it anew"
        )
    return np.stack(made)
