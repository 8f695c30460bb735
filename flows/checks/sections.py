"""The sections of `params.yaml`: each against its model, and what they say of each other.

`exemplar doctor` looks at all of them, `exemplar reproduce` at those of the stages that it is about
to run: a mistake is told before hours of work, not after.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence
from importlib import import_module
from textwrap import dedent, indent
from typing import Any

from exemplar.settings import SettingsError, load_params, section
from exemplar.store import layout
from exemplar.store.items import NEEDED, read_items
from tasks.plan import Step

# The model of each section of params.yaml; `domains` has one for each of its own sections.
MODELS = {
    "run": "stages.report:RunSettings",
    "prepare": "exemplar.data.settings:PrepareSettings",
    "domains": "exemplar.data.settings:Domain",
    "estimators": "exemplar.estimators:EstimatorsSettings",
    "judge": "stages.judge:JudgeSettings",
    "conditions": "exemplar.conditions.sources:ConditionsSettings",
    "regressor": "exemplar.methods.pixelnn.regressor:RegressorSettings",
    "removed": "exemplar.matching.exemplars:Removed",
    "projection": "exemplar.features.projection:ProjectionSettings",
    "features": "exemplar.methods.pixelnn.describe:FeaturesSettings",
    "candidates": "exemplar.methods.pixelnn.synthesis:CandidatesSettings",
    "coherent": "exemplar.methods.pixelnn.synthesis:CandidatesSettings",
    "ranking": "exemplar.methods.pixelnn.ranking:RankingSettings",
    "whole": "exemplar.methods.pixelnn.whole.settings:WholeSettings",
    "pix2pix": "exemplar.methods.pix2pix.settings:Pix2PixSettings",
    "evaluate": "stages.evaluate:EvaluateSettings",
    "report": "stages.report:ReportSettings",
    "pix2pixhd_global": "exemplar.methods.pix2pixhd.stored:GlobalSettings",
    "pix2pixhd_enhancer": "exemplar.methods.pix2pixhd.stored:EnhancerSettings",
    "pix2pixhd_styles": "exemplar.methods.pix2pixhd.styles:StylesSettings",
    "pix2pixhd_samples": "exemplar.methods.pix2pixhd.stored:SamplesSettings",
    "pix2pixhd_evaluate": "stages.pix2pixhd_evaluate:Pix2pixHDEvaluateSettings",
    "pix2pixhd_report": "stages.pix2pixhd_report:ReportSettings",
    "classifier": "exemplar.metrics.classifier:ClassifierSettings",
    "glo": "exemplar.methods.glann.settings:GloSettings",
    "imle": "exemplar.methods.glann.settings:ImleSettings",
    "glann_baselines": "exemplar.methods.glann.baselines:BaselinesSettings",
    "glann_samples": "exemplar.methods.glann.sampling:SamplesSettings",
    "glann_evaluate": "stages.glann_evaluate:GlannEvaluateSettings",
    "glann_report": "exemplar.report.glann_gathered:ReportSettings",
    "analogy": "exemplar.methods.deep_analogy.settings:AnalogySettings",
    "analogy_inverse": "exemplar.methods.deep_analogy.inverse_training:InverseSettings",
    "analogy_flow": "stages.analogy_flow:AnalogyFlowSettings",
    "analogy_keypoints": "stages.analogy_keypoints:AnalogyKeypointsSettings",
    "analogy_gallery": "exemplar.methods.deep_analogy.gallery:GallerySettings",
    "layout": "exemplar.methods.semantic_analogy.settings:LayoutSettings",
    "sources": "exemplar.methods.semantic_analogy.source_settings:Sources",
    "semantic_evaluate": "exemplar.methods.semantic_analogy.judging:SemanticEvaluateSettings",
    "semantic_report": "stages.semantic_report:SemanticReportSettings",
    "cluster": "stages.arguments:Cluster",
}
UNLISTED = {"cluster"}
"""Sections that stages read though no result depends on them, so that `dvc.yaml` has them not."""
HEADING = "params.yaml does not fit:"


def require_sections(steps: Sequence[Step]) -> None:
    """Checks the sections that steps depend on.

    Args:
        steps: those that are to be run.

    Raises:
        SettingsError: something is wrong in one; everything is told, with lines.
    """
    if not steps:
        return
    params = load_params()
    keys = {key for step in steps for key in step.params} | (UNLISTED & params.keys())
    wanted = [name for name in sections_of(params) if _concern(name, keys)]
    problems = [*wrong_sections(params, wanted), *wrong_names(params)]
    if not problems and "removed" in keys:
        problems += wrong_removals(params, {step.name for step in steps})
    _raise(problems)


def require_all() -> None:
    """Checks all sections.

    Raises:
        SettingsError: something is wrong in one; everything is told, with lines.
    """
    params = load_params()
    _raise([*wrong_sections(params, sections_of(params)), *wrong_names(params)])


def _raise(problems: Sequence[str]) -> None:
    if problems:
        raise SettingsError(f"{HEADING}\n" + indent("\n".join(problems), "  "))


def sections_of(params: dict[str, Any]) -> list[str]:
    """All sections that there are or should be; of `domains`, each of its own sections."""
    found = []
    for name in MODELS:
        inner = params.get(name) if name == "domains" else None
        found += [f"{name}.{key}" for key in inner] if isinstance(inner, dict) else [name]
    return found


def wrong_sections(params: dict[str, Any], names: Iterable[str]) -> list[str]:
    """What is wrong within sections.

    Args:
        params: of `params.yaml`.
        names: of `sections_of`.

    Returns:
        A text for each section that does not fit its model.
    """
    wrong = []
    for name in names:
        module, _, model = MODELS[name.partition(".")[0]].partition(":")
        try:
            section(params, name, getattr(import_module(module), model))
        except SettingsError as error:
            wrong.append(_bare(error))
        except ImportError as error:  # reported with the packages
            wrong.append(f"{name}: cannot be checked: {error}")
    return wrong


def wrong_names(params: dict[str, Any]) -> list[str]:
    """What is wrong with the names that `run` has: of no section, or of two things at once."""
    wrong, run, domains = [], params.get("run"), params.get("domains")
    if not isinstance(run, dict) or not isinstance(domains, dict):
        return wrong
    for key in ("domains", "layouts", "sampled"):
        missing = [name for name in run.get(key) or [] if name not in domains]
        wrong += [f"run.{key}: {name!r} has no section in domains" for name in missing]
    sources = params.get("sources")
    named = set(sources) if isinstance(sources, dict) else set()
    wrong += [
        f"run.sources: {name!r} has no section in sources"
        for name in sorted(set(run.get("sources") or []) - named)
    ]
    unprepared = set(run.get("layouts") or []) - set(run.get("domains") or [])
    wrong += [
        f"run.layouts: {name!r} must be in run.domains too, or it is not prepared"
        for name in sorted(unprepared)
    ]
    both = set(run.get("sampled") or []) & set(run.get("domains") or [])
    wrong += [
        f"run.sampled: {name!r} is in run.domains, too, and would be prepared twice; give it "
        f"another section of domains, such as {name}64 with `size: 64`"
        for name in sorted(both)
    ]
    return wrong


def wrong_removals(params: dict[str, Any], anew: Container[str] = ()) -> list[str]:
    """What is wrong with `removed` for the domains of `run` that are prepared.

    Args:
        params: of `params.yaml`; its sections fit.
        anew: stages that will run; what one of them prepares is not known yet.

    Returns:
        A line for each thing.
    """
    from exemplar.matching.exemplars import exemplar_rows

    wrong: dict[str, None] = {}  # what is wrong of all domains comes once
    run = params.get("run")
    for domain in (run.get("domains") or []) if isinstance(run, dict) else []:
        items = layout.items(domain)
        if f"prepare@{domain}" in anew or not items.is_file():
            continue
        try:
            exemplar_rows(read_items(items), params, domain, NEEDED["train"])
        except ValueError as error:
            wrong |= dict.fromkeys(_bare(error).splitlines())
    return list(wrong)


def _concern(name: str, keys: Iterable[str]) -> bool:
    """Whether one of some keys, of a section or of something in it or above it, is of a section."""
    return any(f"{key}.".startswith(f"{name}.") or f"{name}.".startswith(f"{key}.") for key in keys)


def _bare(error: Exception) -> str:
    """An error's text without the heading of the file's problems."""
    return dedent(str(error).removeprefix(HEADING).strip("\n"))
