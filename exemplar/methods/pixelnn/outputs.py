"""What the methods made of a domain's test images, as the evaluation reads it.

Stands between the candidates' stores and the judges; checks that all are of the same images.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict

from exemplar.methods.pixelnn.compose import Residual, residuals
from exemplar.metrics.ranked import Ranking
from exemplar.metrics.seams import seam_energy
from exemplar.settings import section
from exemplar.store import layout
from exemplar.store.arrays import StoreError, array, open_group, read_rows
from exemplar.store.resident import Resident

SECTIONS = {"global": "candidates", "pixelnn": "candidates", "coherent": "coherent"}
"""The methods that synthesise by copying, and the section of `params.yaml` that made each."""

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
        rows = {method: store.attrs["rows"] for method, store in self.stores.items()}
        task = f"{domain}-{condition}"
        if any(found != rows["coherent"] for found in rows.values()):
            raise StoreError(
                f"{layout.candidates('coherent', domain, condition)}: of other test images than "
                f"those of {', '.join(method for method in rows if method != 'coherent')}; run "
                f"`exemplar reproduce candidates@{task} pix2pix_candidates@{task} coherent@{task}`"
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
        """All candidates of a test image, (C, H, W, 3) u8."""
        if method == "regressor":
            return self.regressed.rows(self.rows[[place]]).numpy()
        return read_rows(array(self.stores[method], "image"), [place])[0]

    def source(self, method: str, place: int) -> np.ndarray:
        """Where the candidates' pixels come from, (C, H, W, 3) i32."""
        return read_rows(array(self.stores[method], "source"), [place])[0]

    def ranking(self, method: str, place: int) -> Ranking | None:
        """Of the candidates of a test image, if the method ranks them."""
        if method != "coherent":
            return None
        store = self.stores[method]
        return Ranking(*(read_rows(array(store, name), [place])[0] for name in ("score", "few")))

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
