"""What the methods made of a domain's test images, as the evaluation reads it.

Stands between the candidates' stores and the judges; checks that all are of the same images.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict

from exemplar.methods.pixelnn.compose import Residual, residuals
from exemplar.methods.pixelnn.whole.stored import Stored
from exemplar.metrics.ranked import Ranking
from exemplar.metrics.seams import seam_energy
from exemplar.patches.levels import reduced
from exemplar.settings import section
from exemplar.store import layout
from exemplar.store.arrays import StoreError, array, open_group, read_rows
from exemplar.store.resident import Resident

SECTIONS = {"global": "candidates", "pixelnn": "candidates", "coherent": "coherent"}
"""The methods that add residuals to f(x), and the section of `params.yaml` that made each."""

KEPT_BYTES = 64 << 20
"""Of photographs, regressed images and surfaces each, kept in memory between test images."""


class Copied(BaseModel):
    """What is read of the sections in `SECTIONS`, which other stages check in full."""

    model_config = ConfigDict(frozen=True, extra="ignore")
    residual: Residual = "rgb"


class Outputs:
    """What was made of a domain's test images, and what it was made from."""

    def __init__(self, domain: str, condition: str, params: dict[str, Any]) -> None:
        """Opens the stores.

        Args:
            domain: whose test images.
            condition: of the inputs.
            params: of `params.yaml`, which say how residuals were borrowed.

        Raises:
            StoreError: one is missing, or has other test images than the others, or pix2pix another
                number of candidates than PixelNN, or Global lacks an exemplar that leads one.
                Of whole pictures there may be any number.
        """
        images = open_group(layout.images(domain), "image")
        features = open_group(layout.features(domain, condition), "regressed")
        self.surfaces = (
            Resident(array(images, "surface"), budget=KEPT_BYTES) if "surface" in images else None
        )
        self.photographs = Resident(array(images, "image"), budget=KEPT_BYTES)
        self.regressed = Resident(array(features, "regressed"), budget=KEPT_BYTES)
        self.residual: dict[str, Residual] = {
            method: section(params, name, Copied).residual for method, name in SECTIONS.items()
        }
        arrays = {"pix2pix": ("image",)} | dict.fromkeys(SECTIONS, ("image", "source"))
        self.stores = {
            method: open_group(layout.candidates(method, domain, condition), *needed)
            for method, needed in arrays.items()
        }
        self.whole = Stored(domain, condition)
        rows: dict[str, Any] = {m: store.attrs["rows"] for m, store in self.stores.items()}
        rows["whole"] = self.whole.rows.tolist()
        task = f"{domain}-{condition}"
        if any(found != rows["coherent"] for found in rows.values()):
            raise StoreError(
                f"{layout.candidates('coherent', domain, condition)}: of other test images than "
                f"those of {', '.join(method for method in rows if method != 'coherent')}; run "
                f"`exemplar reproduce candidates@{task} pix2pix_candidates@{task} coherent@{task} "
                f"whole@{task}`"
            )
        counts = [array(self.stores[m], "image").shape[1] for m in ("pix2pix", "pixelnn")]
        if counts[0] != counts[1]:
            raise StoreError(
                f"{layout.candidates('pix2pix', domain, condition)}: expected as many candidates "
                f"as PixelNN has, {counts[1]}, got {counts[0]}; run `exemplar reproduce "
                f"candidates@{task} pix2pix_candidates@{task}`"
            )
        self.rows = np.asarray(rows["coherent"], np.int64)
        # Global's candidates are the ranks of the nearest exemplars, from the first.
        members: Any = self.stores["pixelnn"].attrs["candidates"]
        self.leaders: list[int] = [first - 1 for _, first, _ in members]
        ranks = array(self.stores["global"], "image").shape[1]
        if max(self.leaders) >= ranks:
            raise StoreError(
                f"{layout.candidates('global', domain, condition)}: expected at least "
                f"{max(self.leaders) + 1} candidates, one for each exemplar that leads one of "
                f"PixelNN's, got {ranks}; run `exemplar reproduce candidates@{task} --force`"
            )

    def image(self, method: str, place: int) -> np.ndarray:
        """All candidates of a test image at the size of f(x), (C, H, W, 3) u8."""
        if method == "regressor":
            return self.regressed.rows(self.rows[[place]]).numpy()
        size = self.photographs.source.shape[1], self.photographs.source.shape[2]
        made = self.pictures(method, place)
        if made.shape[1:3] == size:
            return made
        return np.stack([reduced(each, size) for each in made])

    def pictures(self, method: str, place: int) -> np.ndarray:
        """All candidates of a test image as they were made, (C, H', W', 3) u8."""
        if method == "whole":
            return self.whole.images(place)
        return read_rows(array(self.stores[method], "image"), [place])[0]

    def count(self, method: str) -> int:
        """How many candidates a method made of each test image."""
        if method == "whole":
            return len(self.whole.members)
        return array(self.stores[method], "image").shape[1]

    def source(self, method: str, place: int) -> np.ndarray:
        """Where the candidates' pixels come from, (C, H, W, 3) i32.

        Of whole pictures, of each pixel of f(x) what lies in its middle; their photographs must be
        as large as they are, as rendered ones are.
        """
        if method == "whole":
            return self._whole_source(place)
        return read_rows(array(self.stores[method], "source"), [place])[0]

    def ranking(self, method: str, place: int) -> Ranking | None:
        """Of the candidates of a test image, if the method ranks them."""
        if method == "whole":
            return self.whole.ranking(place)
        if method != "coherent":
            return None
        store = self.stores[method]
        return Ranking(*(read_rows(array(store, name), [place])[0] for name in ("score", "few")))

    def _whole_source(self, place: int) -> np.ndarray:
        source, exemplar = self.whole.sources(place)
        size, own = self.photographs.source.shape[1:3], source.shape[1:3]
        y, x = ((2 * np.arange(n) + 1) * m // (2 * n) for n, m in zip(size, own, strict=True))
        slot, down, right = np.moveaxis(source[:, y[:, None], x].astype(np.int32), -1, 0)
        rows = np.stack([each[used] for each, used in zip(exemplar, slot, strict=True)])
        at = down * size[0] // own[0], right * size[1] // own[1]
        return np.stack([rows, *at], -1).astype(np.int32)

    def seam(self, method: str, place: int, images: np.ndarray, source: np.ndarray) -> np.ndarray:
        """The seam energy of a test image's candidates, (C,)."""
        regressed = self.regressed.rows(self.rows[[place]])[0].numpy()

        def residual(rows: np.ndarray) -> np.ndarray:
            pair = self.photographs.rows(rows), self.regressed.rows(rows)
            return residuals(*pair, self.residual[method]).numpy()

        return seam_energy(images, source, regressed, residual)

    def surface(self, place: int) -> np.ndarray | None:
        """Surface coordinates of a test image, (H, W, 3), if any are known."""
        if self.surfaces is None:
            return None
        found = self.surfaces_of(self.rows[[place]])[0]
        return found if np.isfinite(found).all(-1).any() else None

    def surfaces_of(self, rows: np.ndarray) -> np.ndarray:
        """Surface coordinates of exemplars, (K, H, W, 3)."""
        assert self.surfaces is not None
        return self.surfaces.rows(rows).numpy()
