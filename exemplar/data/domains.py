"""One domain of `params.yaml` → `data/<domain>/`: which kind is prepared by what."""

from __future__ import annotations

from typing import Any

from exemplar.data.image_set_settings import ImageSets
from exemplar.data.image_sets import prepare_image_set
from exemplar.data.ingest import prepare_photographs
from exemplar.data.layout_settings import CityscapesSettings
from exemplar.data.layouts import prepare_layouts
from exemplar.data.rendered.settings import RenderedSettings
from exemplar.data.settings import Domain, PrepareSettings
from exemplar.data.splits import NOTHING, Needed
from exemplar.settings import section
from exemplar.store import layout


def prepare_domain(domain: str, params: dict[str, Any], needed: Needed = NOTHING) -> None:
    """Makes `images.zarr`, `items.parquet` and `rejected.csv` of one domain.

    Args:
        domain: a section of `domains`.
        params: of `params.yaml`.
        needed: the fewest images of each split.

    Raises:
        SettingsError: the sections `domains.<domain>` or `prepare` are missing or wrong.
        DomainError: the domain cannot be made.
    """
    settings = section(params, f"domains.{domain}", Domain)
    common = section(params, "prepare", PrepareSettings)
    out = layout.images(domain).parent
    if isinstance(settings, RenderedSettings):
        from exemplar.data.synthetic import prepare_rendered  # brings the ray tracer

        prepare_rendered(out, settings, common, needed)
    elif isinstance(settings, CityscapesSettings):
        prepare_layouts(out, settings, common, needed)
    elif isinstance(settings, ImageSets):
        prepare_image_set(out, settings, common, needed)
    else:
        prepare_photographs(out, settings, common, needed)
