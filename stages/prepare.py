"""Stage `prepare`: photographs, layouts, or a renderer → data/<domain>/."""

from __future__ import annotations

from exemplar.data.domains import prepare_domain
from exemplar.settings import load_params
from exemplar.store.items import NEEDED
from stages.arguments import domain_of
from stages.ends import run


def main() -> None:
    """Makes images.zarr, items.parquet and rejected.csv of one domain."""
    prepare_domain(domain_of("prepare"), load_params(), NEEDED)


if __name__ == "__main__":
    run(main)
