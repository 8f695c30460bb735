"""The argument of the stages of Semantic Image Analogy: which source."""

from __future__ import annotations

import argparse


def source_of(stage: str) -> str:
    """Parses `--source`."""
    parser = argparse.ArgumentParser(f"python -m stages.{stage}", allow_abbrev=False)
    parser.add_argument("--source", required=True, help="a section of sources in params.yaml")
    return parser.parse_args().source
