"""Stage `candidates`: features, index → candidates/{pixelnn,global}/<domain>-<condition>.zarr."""

from __future__ import annotations

from exemplar.methods.pixelnn.candidates import (
    Method,
    files_hash,
    fill_candidates,
    open_synthesis,
)
from stages.arguments import cluster_of, domain_and_condition_of
from stages.ends import run

METHODS: tuple[Method, ...] = ("pixelnn", "global")


def main() -> None:
    """Synthesises every test image of a domain, by PixelNN as published and by its baseline."""
    domain, condition = domain_and_condition_of("candidates")
    files = files_hash(domain, condition)  # once for both
    for method in METHODS:
        made = open_synthesis(domain, condition, method)
        fill_candidates(domain, condition, made, made, open_synthesis, [files], cluster_of())


if __name__ == "__main__":
    run(main)
