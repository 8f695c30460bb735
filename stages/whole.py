"""Stage `whole`: photographs, features, index → candidates/whole/<domain>-<condition>.zarr."""

from __future__ import annotations

from exemplar.methods.pixelnn.whole.stored import build_whole
from stages.arguments import cluster_of, domain_and_condition_of
from stages.ends import run


def main() -> None:
    """Makes whole pictures of every test image of a domain, at the photographs' own size."""
    build_whole(*domain_and_condition_of("whole"), cluster_of())


if __name__ == "__main__":
    run(main)
