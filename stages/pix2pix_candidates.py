"""Stage `pix2pix_candidates`: networks → candidates/pix2pix/<domain>-<condition>.zarr."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from exemplar.methods.pix2pix.candidates import build_candidates
from exemplar.methods.pixelnn.schedule import Schedule, candidates
from exemplar.settings import load_params, section
from stages.arguments import domain_and_condition_of
from stages.ends import run


class Scheduled(BaseModel):
    """What is read of the section `candidates`, which its own stage checks in full."""

    model_config = ConfigDict(frozen=True, extra="ignore")
    schedule: Schedule = "released"


def main() -> None:
    """Synthesises every test image of a domain as often as PixelNN does."""
    domain, condition = domain_and_condition_of("pix2pix_candidates")
    schedule = section(load_params(), "candidates", Scheduled).schedule
    build_candidates(domain, condition, len(candidates(schedule)))


if __name__ == "__main__":
    run(main)
