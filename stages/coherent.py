"""Stage `coherent`: features, index, ranking → candidates/coherent/<domain>-<condition>.zarr."""

from __future__ import annotations

from exemplar.methods.pixelnn.coherent import build_coherent
from stages.arguments import cluster_of, domain_and_condition_of
from stages.ends import run


def main() -> None:
    """Synthesises every test image of a domain, coherently, and ranks its candidates."""
    build_coherent(*domain_and_condition_of("coherent"), cluster_of())


if __name__ == "__main__":
    run(main)
