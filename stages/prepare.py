"""Stage `prepare`: photographs, layouts, or a renderer → data/<domain>/."""

from __future__ import annotations

from exemplar.data.domains import prepare_domain
from exemplar.data.inputs import DomainError
from exemplar.data.splits import NEEDED
from exemplar.settings import SettingsError, load_params
from stages.arguments import domain_of


def main() -> None:
    """Makes images.zarr, items.parquet and rejected.csv of one domain."""
    try:
        prepare_domain(domain_of("prepare"), load_params(), NEEDED)
    except (DomainError, SettingsError) as error:
        raise SystemExit(f"prepare: {error}") from None


if __name__ == "__main__":
    main()
