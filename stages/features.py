"""Stage `features`: conditions, regressor, projection → features/<domain>-<condition>.zarr."""

from __future__ import annotations

from exemplar.methods.pixelnn.rows import build_features
from stages.arguments import cluster_of, domain_and_condition_of
from stages.ends import run


def main() -> None:
    """Builds the feature store of a domain, or lets it grow."""
    build_features(*domain_and_condition_of("features"), cluster_of())


if __name__ == "__main__":
    run(main)
