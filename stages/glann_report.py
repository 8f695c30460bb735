"""Stage `glann_report`: evaluations, samples and trainings → a table and a page.

Reads what the stages of GLANN left of every domain in `run.sampled`; writes
`reports/tables/glann.csv`, over all of `run.seeds`, and `reports/glann.html`, with the pictures of
the first of them.

    python -m stages.glann_report
"""

from __future__ import annotations

import json
from typing import Any

import yaml
from pydantic import Field

from exemplar.methods.glann.settings import GloSettings, ImleSettings
from exemplar.report.glann import Domain, render
from exemplar.report.glann_gathered import ReportSettings, gathered
from exemplar.report.glann_scores import over_seeds, read_scores
from exemplar.report.glann_table import Facts
from exemplar.settings import Settings, load_params, section
from exemplar.store import layout
from exemplar.store.files import written
from stages.ends import run

# The settings that the page prints; all of them must be dependencies of the stage.
PRINTED = (
    "run", "classifier", "glo", "imle", "glann_baselines", "glann_samples", "glann_evaluate",
    "glann_report",
)  # fmt: skip


class RunSettings(Settings):
    """What is read of the section `run`."""

    model_config = Settings.model_config | {"extra": "ignore"}
    sampled: list[str] = Field(min_length=1)
    seeds: list[int] = Field(min_length=1)


def main() -> None:
    """Writes the table and the page."""
    params = load_params()
    run: RunSettings = section(params, "run", RunSettings)
    settings: ReportSettings = section(params, "glann_report", ReportSettings)
    glo: GloSettings = section(params, "glo", GloSettings)
    imle: ImleSettings = section(params, "imle", ImleSettings)
    folders = {
        (domain, seed): layout.evaluation("glann", domain, str(seed))
        for domain in run.sampled
        for seed in run.seeds
    }
    table = over_seeds(read_scores(folders))
    domains = [gathered(domain, run.seeds[0], settings) for domain in run.sampled]
    judges = dict(zip(table["dataset"], table["fid_features"], strict=True))
    facts = {domain.name: facts_of(domain, glo, imle, judges[domain.name]) for domain in domains}
    page = render(domains, table, facts, printed(params))
    with written("reports/tables/glann.csv") as partial:
        table.to_csv(partial, index=False, lineterminator="\n")
    with written("reports/glann.html") as partial:
        partial.write_text(page)


def facts_of(domain: Domain, glo: GloSettings, imle: ImleSettings, judge: str) -> Facts:
    """What the table does not say of a domain."""
    config = layout.classifier(domain.name).with_suffix(".json")
    judged = judge.startswith("classifier") and config.is_file()
    return Facts(
        training=domain.training,
        size=domain.size,
        loss=loss_in_words(glo),
        schedule=f"{glo.training.epochs} and {imle.training.epochs}",
        accuracy=json.loads(config.read_text()).get("accuracy") if judged else None,
    )


def loss_in_words(settings: GloSettings) -> str:
    """What reconstructions are compared by."""
    loss = settings.loss
    if loss.kind != "perceptual":
        return {"l1": "none; absolute differences", "laplacian": "none; Laplacian pyramids"}[
            loss.kind
        ]
    if loss.backbone.kind == "estimator":
        return "the estimators’ trunk, trained on rendered heads"
    return getattr(loss.backbone, "name", loss.backbone.kind)


def printed(params: dict[str, Any]) -> str:
    """The settings of the run as YAML."""
    chosen = {name: params[name] for name in PRINTED if name in params}
    return yaml.safe_dump(chosen, sort_keys=False, default_flow_style=None, width=90)


if __name__ == "__main__":
    run(main)
