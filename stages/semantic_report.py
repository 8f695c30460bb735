"""Stage `semantic_report`: layouts and scores of all sources → a table and a page.

Reads what the stages of Semantic Image Analogy left of every source in `run.sources`; writes
`reports/tables/semantic_analogy.csv` and `reports/layouts.html`.

    python -m stages.semantic_report
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import yaml
from pydantic import Field

from exemplar.methods.semantic_analogy.stored import (
    curve_path,
    given_source,
    layouts_path,
    scores_path,
)
from exemplar.report.layout_scores import TABLE, read_source_scores
from exemplar.report.layouts import gathered, render
from exemplar.settings import Settings, load_params, section
from exemplar.store.files import written
from stages.ends import run

PAGE = Path("reports/layouts.html")
PRINTED = ("layout", "sources", "semantic_evaluate", "semantic_report")
"""The settings that the page prints; all of them must be dependencies of the stage."""


class SemanticReportSettings(Settings):
    """The section `semantic_report` of `params.yaml`."""

    side: int = Field(default=256, ge=32)
    """Pixels of the longer side of pictures on the page."""


class RunSettings(Settings):
    """What is read of the section `run`."""

    model_config = Settings.model_config | {"extra": "ignore"}
    sources: list[str] = Field(min_length=1)


def main() -> None:
    """Writes the table and the page."""
    params = load_params()
    run: RunSettings = section(params, "run", RunSettings)
    settings: SemanticReportSettings = section(params, "semantic_report", SemanticReportSettings)
    tables = [read_source_scores(scores_path(name), curve_path(name), name) for name in run.sources]
    shown = [
        gathered(
            given_source(params, name),
            layouts_path(name),
            pd.read_csv(scores_path(name)),
            pd.read_csv(curve_path(name)),
            settings.side,
        )
        for name in run.sources
    ]
    table = pd.concat(tables, ignore_index=True)
    page = render(shown, table, printed(params))
    with written(TABLE) as partial:
        table.to_csv(partial, index=False, float_format="%.6g", lineterminator="\n")
    with written(PAGE) as partial:
        partial.write_text(page)


def printed(params: dict[str, Any]) -> str:
    """The settings of the run as YAML."""
    chosen = {name: params[name] for name in PRINTED if name in params}
    return yaml.safe_dump(chosen, sort_keys=False, default_flow_style=None, width=90)


if __name__ == "__main__":
    run(main)
