"""The GAN of `exemplar layout`: trained once for a source, kept, and asked for every target.

A trained one is found again by the content of its source and settings. While it is trained,
previews of the targets are written; interrupted, what it has made so far is delivered.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from exemplar.data.problems import Problems
from exemplar.features.backbone import Backbone, BackboneSettings, load_backbone
from exemplar.features.frozen import FrozenBackbone
from exemplar.methods.semantic_analogy.gan_settings import GanSettings
from exemplar.methods.semantic_analogy.model import Gan, load_gan, save_gan
from exemplar.methods.semantic_analogy.requests import Given
from exemplar.methods.semantic_analogy.settings import LayoutSettings
from exemplar.methods.semantic_analogy.sizes import source_at, target_at
from exemplar.methods.semantic_analogy.source import Layout, Source
from exemplar.methods.semantic_analogy.targets import Target
from exemplar.methods.semantic_analogy.training import train_gan
from exemplar.report.layout_results import PREVIEW_RECORD, PREVIEWS, preview
from exemplar.store.files import content_hash, make_way, sources_hash, workplace
from exemplar.store.layout import ESTIMATORS
from flows.delivery import grown, tell_replaced
from flows.records import Place

MODELS = Path("models/layout")
"""Where trained GANs are kept, by what they were trained from."""

METHOD = (
    "augmentation", "classifier", "coherence", "contest", "discriminator", "gan_settings",
    "generator", "model", "objective", "source", "training", "translation",
)  # fmt: skip
CODE = (
    "exemplar/estimators.py", "exemplar/features", "exemplar/labels/sides.py",
    "exemplar/settings.py", "exemplar/store", "exemplar/training",
    *(f"exemplar/methods/semantic_analogy/{name}.py" for name in METHOD),
)  # fmt: skip
"""What a trained GAN depends on beside its source and settings; not how label maps are read, so
that it is found again when that changes."""

Deliver = Callable[[Target, Layout, Mapping[str, Any]], None]


def check_gan(
    given: Given,
    settings: LayoutSettings,
    network: Callable[[], FrozenBackbone | None],
    problems: Problems,
) -> None:
    """Sees that the GAN is there, or can be trained, and that it learns all that targets have.

    Args:
        given: what is asked for; gets a note of classes that are lost and that no target has.
        settings: how.
        network: loads the backbone of the patch loss, or notes why it cannot.
        problems: gets a line if it cannot be loaded, and for classes that targets have and the
            source, at the size at which the GAN learns, has not.
    """
    source = source_at(given.source, settings.working_side)
    _check_classes(given, source, problems)
    if not model_path(source, settings).is_file():
        network()


def _check_classes(given: Given, source: Source, problems: Problems) -> None:
    """Sees that what the GAN is to paint is left of a source that was made smaller."""
    kept = set(np.unique(source.labels).tolist())
    height, width = source.labels.shape
    at = f"at {width}×{height} pixels, at which the GAN learns,"
    advice = "give --side a larger number"

    def called(classes: set[int]) -> str:
        return ", ".join(source.classes[place] for place in sorted(classes))

    if len(kept) == 1:
        problems.append(
            f"{at} the source's labels have one class only, {called(kept)}: there is no layout to "
            f"learn from; {advice}"
        )
        return
    wanted: set[int] = set()
    for target in given.targets:
        lacking = set(np.unique(target_at(target.labels, source)).tolist()) - kept
        wanted |= lacking
        if lacking:
            problems.append(
                f"{target.made_from}: has {called(lacking)}, of which {at} nothing is left in the "
                f"source; {advice}"
            )
    lost = set(np.unique(given.labels).tolist()) - kept - wanted
    if lost:
        given.notes.append(f"{at} nothing is left of {called(lost)}; --side sets another size")


def model_path(source: Source, settings: LayoutSettings) -> Path:
    """Where the GAN of a source is kept once it is trained."""
    return MODELS / f"{_key(source, settings)}.safetensors"


def preview_place(out: Path, settings: GanSettings) -> Place:
    """All previews that a training writes."""
    every, steps = settings.training.checkpoint_every, settings.training.iterations
    numbers = {*range(every, steps, every), steps}
    return Place(out / PREVIEWS, PREVIEW_RECORD, frozenset(map(_preview_name, numbers)), "layout")


def rendered(
    full: Source,
    targets: Sequence[Target],
    out: Path,
    settings: LayoutSettings,
    deliver: Deliver,
) -> None:
    """Renders targets by the GAN of a source, which is trained first if there is none.

    Args:
        full: the source at its own size.
        targets: to be made, of that size.
        out: the folder whose previews are written.
        settings: how.
        deliver: is given each target's result, and what its summary is to say.

    Raises:
        KeyboardInterrupt: the training was interrupted; what it had learned by then has been
            delivered.
    """
    source = source_at(full, settings.working_side)
    wanted = np.stack([target_at(target.labels, source) for target in targets])
    path = model_path(source, settings)
    facts: dict[str, Any] = {
        "model": str(path),
        "settings": settings.gan.model_dump(mode="json"),
        **_size_facts(full, source),
    }
    if path.is_file():
        print(f"{path}: trained already", file=sys.stderr, flush=True)
        images = load_gan(path, settings.device).render(wanted)
    else:
        make_way(path)
        place = preview_place(out, settings.gan)
        tell_replaced(place, path.stem)
        seen = _Previews(wanted, [target.name for target in targets], place, path.stem)
        try:
            images, seconds = _trained(source, wanted, path, settings, seen)
        except KeyboardInterrupt:
            _deliver_stopped(targets, seen, settings, deliver, facts)
            raise
        facts["training_seconds"] = seconds
    for target, image in zip(targets, images, strict=True):
        deliver(target, Layout(image), facts)


def _trained(
    source: Source,
    wanted: NDArray[np.uint8],
    path: Path,
    settings: LayoutSettings,
    seen: _Previews,
) -> tuple[NDArray[np.uint8], float]:
    """Trains a GAN and keeps it; the targets' images and the seconds that the training took."""

    def backbone() -> Backbone:
        return load_backbone(settings.gan.backbone, ESTIMATORS, settings.device)

    with workplace(f"layout/{path.stem}", path.stem.encode()) as folder:
        gan, history = train_gan(
            source, settings.gan, folder, "layout", backbone, seen, settings.threads,
            settings.seed, settings.device, seen.look,
        )  # fmt: skip
        save_gan(path, gan)
    return gan.render(wanted), round(float(history[-1]["seconds"]), 3)


def _deliver_stopped(
    targets: Sequence[Target],
    seen: _Previews,
    settings: LayoutSettings,
    deliver: Deliver,
    facts: Mapping[str, Any],
) -> None:
    """Delivers what an interrupted training made last, and says so."""
    steps = settings.gan.training.iterations
    if seen.images is None:
        print("stopped before anything was learned; nothing new was made", file=sys.stderr)
        return
    for target, image in zip(targets, seen.images, strict=True):
        deliver(target, Layout(image), {**facts, "stopped_at": seen.step})
    print(
        f"stopped; the results are those of step {seen.step} of {steps}; the same command goes on "
        "with the training from its last preview",
        file=sys.stderr,
        flush=True,
    )


def _size_facts(full: Source, source: Source) -> dict[str, Any]:
    """What is said of a source that was made smaller, here and in the summary."""
    (height, width), (small_height, small_width) = full.labels.shape, source.labels.shape
    if (height, width) == (small_height, small_width):
        return {}
    note = (
        f"the source has {width}×{height} pixels, the GAN learns and paints it at "
        f"{small_width}×{small_height}, and results are of that size; --side sets another"
    )
    print(f"note: {note}", file=sys.stderr, flush=True)
    return {"notes": [note]}


class _Previews:
    """Sheets of the targets, written while a GAN is trained, and the last images seen."""

    def __init__(
        self, wanted: NDArray[np.uint8], names: Sequence[str], place: Place, made_from: str
    ) -> None:
        self.images: NDArray[np.uint8] | None = None
        self.step = 0
        self._wanted, self._names = wanted, names
        self._place, self._made_from = place, made_from

    def look(self, step: int, gan: Gan) -> None:
        """Renders the targets without writing anything."""
        self.images, self.step = gan.render(self._wanted), step

    def __call__(self, step: int, gan: Gan) -> None:
        self.look(step, gan)
        assert self.images is not None
        name = _preview_name(step)
        with grown(self._place, self._made_from, name) as partial:
            Image.fromarray(preview(self.images, self._names)).save(partial, format="PNG")


def _preview_name(step: int) -> str:
    return f"{step:06d}.png"


def _key(source: Source, settings: LayoutSettings) -> str:
    """A hash of all that a GAN depends on."""
    return content_hash(
        source.image.tobytes(),
        source.labels.tobytes(),
        {"size": list(source.labels.shape), "classes": len(source.classes)},
        {"settings": settings.gan.identity(), "seed": settings.seed},
        *_weights(settings.gan.backbone),
        sources_hash(*CODE),
    )


def _weights(backbone: BackboneSettings) -> list[Path]:
    """The file of a backbone's weights, if it is there.

    Published ones, and those that come as a package of one version, are told by their name.
    """
    file = ESTIMATORS if backbone.kind == "estimator" else getattr(backbone, "weights", None)
    return [file] if isinstance(file, Path) and file.is_file() else []
