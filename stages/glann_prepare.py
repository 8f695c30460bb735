"""Stage `glann_prepare`: the images that GLANN learns to make → data/<domain>/."""

from __future__ import annotations

from exemplar.data.domains import prepare_domain
from exemplar.settings import load_params
from stages.arguments import domain_of
from stages.ends import run


def main() -> None:
    """Makes images.zarr, items.parquet and rejected.csv of one domain."""
    prepare_domain(domain_of("glann_prepare"), load_params())


if __name__ == "__main__":
    run(main)
