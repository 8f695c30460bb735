"""Stage `prepare`: photographs, layouts, or a renderer → data/<domain>/."""

from __future__ import annotations

from exemplar.data.ingest import prepare_photographs
from exemplar.data.inputs import DomainError
from exemplar.data.layout_settings import CityscapesSettings
from exemplar.data.layouts import prepare_layouts
from exemplar.data.rendered.settings import RenderedSettings
from exemplar.data.settings import Domain, PrepareSettings
from exemplar.settings import SettingsError, load_params, section
from exemplar.store import layout
from stages.arguments import domain_of


def main() -> None:
    """Makes images.zarr, items.parquet and rejected.csv of one domain."""
    domain = domain_of("prepare")
    try:
        params = load_params()
        settings = section(params, f"domains.{domain}", Domain)
        common = section(params, "prepare", PrepareSettings)
        out = layout.images(domain).parent
        if isinstance(settings, RenderedSettings):
            from exemplar.data.synthetic import prepare_rendered  # brings the ray tracer

            prepare_rendered(out, settings, common)
        elif isinstance(settings, CityscapesSettings):
            prepare_layouts(out, settings, common)
        else:
            prepare_photographs(out, settings, common)
    except (DomainError, SettingsError) as error:
        raise SystemExit(f"prepare: {error}") from None


if __name__ == "__main__":
    main()
