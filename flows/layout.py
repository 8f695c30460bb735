"""`exemplar layout`: an image brought into other layouts, as files."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import torch
from pydantic import ValidationError

from exemplar.data.problems import Problems, raise_all
from exemplar.features.backbone import load_backbone
from exemplar.features.frozen import FrozenBackbone
from exemplar.methods.semantic_analogy.patches import compose
from exemplar.methods.semantic_analogy.requests import (
    CLUSTERS,
    EDGES,
    Given,
    Request,
    read_request,
)
from exemplar.methods.semantic_analogy.settings import LayoutSettings
from exemplar.methods.semantic_analogy.sizes import source_at
from exemplar.methods.semantic_analogy.source import Layout
from exemplar.methods.semantic_analogy.targets import Target
from exemplar.report.layout_results import (
    CODE,
    FILES,
    LABELS,
    OVERLAY,
    RECORD,
    SOURCE_FILES,
    SUMMARY,
    TRACED,
    write_source,
    write_target,
)
from exemplar.settings import load_params, section
from exemplar.store.files import content_hash, sources_hash
from exemplar.store.layout import ESTIMATORS
from flows.delivery import delivered, finished, tell_others, tell_replaced
from flows.layout_training import Deliver, check_gan, model_path, preview_place, rendered
from flows.places import check_places
from flows.records import Place

OWN_CODE = (
    "flows/layout.py", "flows/layout_training.py", "flows/delivery.py", "flows/places.py",
    "flows/records.py",
)  # fmt: skip
"""What results depend on beside files, settings and `CODE`."""

OPTIONS = {"working_side": "--side"}
"""Options that are called otherwise than the settings they change."""

Loaded = TypeVar("Loaded")


def make_layouts(request: Request, out: Path, changes: Mapping[str, Any]) -> list[Path]:
    """Writes how the source's labels were read, and a folder for each target.

    What is there already, made from the same files with the same settings, is not made again.

    Args:
        request: what is asked for.
        out: the folder to write to; results of earlier runs are replaced, other files never.
        changes: settings other than those of the section `layout` of `params.yaml`; those of
            methods under their names.

    Returns:
        The folders; of clusters and edges without a target, the label map.

    Raises:
        RequestError: files, settings or networks cannot be used; everything that is wrong, and
            nothing was written.
        KeyboardInterrupt: while a GAN was trained; what it made so far has been written.
    """
    problems: Problems = []
    settings = _settings(changes, problems)
    raise_all([] if settings else problems)
    assert settings is not None
    torch.set_num_threads(settings.threads)
    loaded: list[FrozenBackbone] = []
    device = _usable(settings.device, problems)

    def network() -> FrozenBackbone | None:
        found = _tried(lambda: load_backbone(settings.gan.backbone, ESTIMATORS, device), problems)
        loaded.extend([] if found is None else [found])
        return found

    given = read_request(request, settings.method, network, settings.seed, problems)
    targets = [] if given is None else given.targets
    if settings.method == "gan" and given is not None and targets:
        check_gan(given, settings, network, problems)
    places = _places(out, targets, settings)
    check_places(out, places, request.files, problems)
    raise_all(problems)
    assert given is not None
    for line in given.said:
        print(line, file=sys.stderr, flush=True)
    for note in given.notes:
        print(f"note: {note}", file=sys.stderr, flush=True)
    network_of_labels = loaded[0] if loaded and request.labels == CLUSTERS else None
    labels_by = network_of_labels.name if network_of_labels else ""
    origin = _origin(request, settings, network_of_labels)
    origins = _target_origins(given, settings, origin)
    for place, each in zip(places, [origin, *origins.values()], strict=False):
        tell_replaced(place, each)
    tell_others(out, f"*/{SUMMARY}", places)
    if finished(places[0]) != origin:
        with delivered(places[0], origin) as partial:
            write_source(partial, given, {"labels": _said(request, labels_by)})
    if not targets:
        print(_next(request, out), file=sys.stderr, flush=True)
        return [out / LABELS]
    _make_all(given, out, settings, places[1:], origins)
    return [out / target.name for target in targets]


def _settings(changes: Mapping[str, Any], problems: Problems) -> LayoutSettings | None:
    """The section `layout`, changed."""
    try:
        params = load_params()
        section(params, "layout", LayoutSettings)
    except ValueError as error:
        problems.append(str(error))
        return None
    given = params["layout"]
    try:
        return LayoutSettings.model_validate(_merged(given, changes))
    except ValidationError as error:
        for item in error.errors():
            name = str(next(part for part in item["loc"] if part not in ("gan", "patches")))
            option = OPTIONS.get(name, f"--{name}")
            problems.append(f"{option}: {item['msg']}, got {item['input']!r}")
        return None


def _merged(given: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Settings, changed; what a change leaves open is as it was, at any depth."""
    made = dict(given)
    for name, value in changes.items():
        both = isinstance(value, Mapping) and isinstance(made.get(name), Mapping)
        # Another kind of backbone has nothing of the one before.
        made[name] = _merged(made[name], value) if both and "kind" not in value else value
    return made


def _places(out: Path, targets: Sequence[Target], settings: LayoutSettings) -> list[Place]:
    """All that will be written."""
    names = FILES | TRACED if settings.method == "patches" else FILES
    places = [Place(out, RECORD, SOURCE_FILES, "layout")]
    places += [Place(out / target.name, SUMMARY, names, "layout") for target in targets]
    if settings.method == "gan" and targets:
        places.append(preview_place(out, settings.gan))
    return places


def _origin(request: Request, settings: LayoutSettings, network: FrozenBackbone | None) -> str:
    """A hash of all that the source's labels, and so everything, depend on."""
    files = request.source_files
    by = {"network": network.name, "layers": list(network.layers)} if network else {}
    return content_hash(
        *files, [str(path) for path in files],
        {"wishes": request.facts, "seed": settings.seed, **by}, sources_hash(*CODE, *OWN_CODE),
    )  # fmt: skip


def _method_facts(given: Given, settings: LayoutSettings) -> dict[str, Any]:
    """What the results of all targets depend on, beside the source and its labels."""
    if settings.method == "patches":
        return {"method": "patches", "settings": settings.patches.model_dump(mode="json")}
    # Its name has its settings and the weights of the patch loss's backbone in it.
    return {
        "method": "gan",
        "model": str(model_path(source_at(given.source, settings.working_side), settings)),
    }


def _target_origin(target: Target, method: Mapping[str, Any], origin: str) -> str:
    """A hash of all that a target's results depend on."""
    return content_hash(
        target.labels.tobytes(),
        {"from": target.made_from, "name": target.name, "size": list(target.labels.shape)},
        {**method, "source": origin},
    )


def _target_origins(given: Given, settings: LayoutSettings, origin: str) -> dict[str, str]:
    """The hashes of all targets."""
    method = _method_facts(given, settings) if given.targets else {}
    return {target.name: _target_origin(target, method, origin) for target in given.targets}


def _make_all(
    given: Given,
    out: Path,
    settings: LayoutSettings,
    places: Sequence[Place],
    origins: Mapping[str, str],
) -> None:
    """Makes every target that is not there."""
    place_of = {place.folder.name: place for place in places}
    facts: dict[str, Any] = {
        "method": settings.method,
        "seed": settings.seed,
        "classes": list(given.palette.names),
    }

    def there(target: Target) -> bool:
        return finished(place_of[target.name]) == origins[target.name]

    def deliver(target: Target, made: Layout, more: Mapping[str, Any]) -> None:
        notes = [*given.notes, *more.get("notes", [])]
        # What was stopped is not what is asked for, so the next run goes on.
        origin = None if "stopped_at" in more else origins[target.name]
        with delivered(place_of[target.name], origin) as partial:
            write_target(partial, given, target, made, {**facts, **more, "notes": notes})

    due = [target for target in given.targets if not there(target)]
    for number, target in enumerate(given.targets, start=1):
        said = "there already"
        if target in due and settings.method == "patches":
            said = _composed(given, target, settings, deliver)
        elif target in due:
            continue
        print(f"{number}/{len(given.targets)} {target.name}: {said}", file=sys.stderr, flush=True)
    if due and settings.method == "gan":
        rendered(given.source, due, out, settings, deliver)


def _composed(given: Given, target: Target, settings: LayoutSettings, deliver: Deliver) -> str:
    """Makes a target of patches; says how long that took."""
    begun = time.perf_counter()
    made = compose(given.source, target.labels, settings.patches, settings.seed, settings.device)
    seconds = time.perf_counter() - begun
    own = settings.patches.model_dump(mode="json")
    deliver(target, made, {"seconds": round(seconds, 3), "settings": own})
    return f"{seconds:.1f} s"


def _said(request: Request, labels_by: str) -> str:
    """Where the source's labels are from."""
    return f"{request.labels} of {labels_by}" if labels_by else request.labels


def _next(request: Request, out: Path) -> str:
    """What can be done now that there are labels and no target."""
    if request.labels == EDGES:
        return (
            f"{out / LABELS} has the edges. Name a drawing as target, dark lines on light or light "
            f"on dark: exemplar layout {request.image} {EDGES} DRAWING --out {out}"
        )
    return (
        f"{out / LABELS} has the clusters; {out / OVERLAY} shows them. Paint on a copy of it with "
        "its own colours, without smoothing, and name that as target, or another photograph: "
        f"exemplar layout {request.image} {CLUSTERS} TARGET --out {out}. Or change it "
        "by --edit, such as --edit move:cluster-2:20,0"
    )


def _usable(device: str, problems: Problems) -> str:
    """The device, if it is there; otherwise the CPU, by which all else can be looked at."""
    try:
        torch.zeros(1, device=device).cpu()
    # A torch without CUDA asserts that it is there.
    except (RuntimeError, AssertionError) as error:
        said = str(error).splitlines()[0]
        problems.append(f"--device {device}: cannot be used ({said}); choose cpu, or a GPU: cuda")
        return "cpu"
    return device


def _tried(load: Callable[[], Loaded], problems: Problems) -> Loaded | None:
    try:
        return load()
    # Missing weights, or a device without room for them.
    except (ValueError, RuntimeError) as error:
        problems.append(str(error))
        return None
