"""Stage `analogy_gallery`: pairs of images → what Deep Image Analogy makes of them, and a page.

Reads the pairs that `params.yaml` names and the tables of `analogy_flow` and `analogy_keypoints`;
writes `analogies/<pair>/` and `reports/analogies.html`. Interrupted, it goes on after the last
finished pair.

    python -m stages.analogy_gallery
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

import torch
import yaml

from exemplar.data.problems import Problems, raise_all
from exemplar.methods.deep_analogy.analogy import make_analogy
from exemplar.methods.deep_analogy.gallery import GallerySettings, read_named
from exemplar.methods.deep_analogy.inverse import STORED
from exemplar.methods.deep_analogy.networks import load_networks
from exemplar.methods.deep_analogy.requests import Given
from exemplar.methods.deep_analogy.settings import AnalogySettings
from exemplar.report.analogies import gathered, render
from exemplar.report.analogy_results import CODE, write_results
from exemplar.report.analogy_scores import FLOW, KEYPOINTS, read_scores
from exemplar.settings import load_params, section
from exemplar.store.files import content_hash, make_way, replace, sources_hash, workplace, written
from stages.ends import run

ANALOGIES, PAGE = Path("analogies"), Path("reports/analogies.html")
OWN_CODE = "stages/analogy_gallery.py"
"""What unfinished work depends on beside images, settings and `CODE`."""

PRINTED = ("analogy", "analogy_flow", "analogy_keypoints", "analogy_gallery")
"""The settings that the page prints; all of them must be dependencies of the stage."""


def main() -> None:
    """Makes all pairs, then the page."""
    params = load_params()
    settings = section(params, "analogy", AnalogySettings)
    gallery = section(params, "analogy_gallery", GallerySettings)
    torch.set_num_threads(settings.threads)
    problems: Problems = []
    read = {name: read_named(name, pair, problems) for name, pair in gallery.pairs.items()}
    networks = load_networks(settings, problems)
    tables = {path.stem: read_scores(path) for path in (FLOW, KEYPOINTS)}
    raise_all(problems)
    assert networks is not None
    pairs = {name: given for name, given in read.items() if given is not None}
    network = {"name": networks.pyramid.name, "layers": list(networks.pyramid.layers)}
    chosen = {name: gallery.pairs[name].chosen(settings) for name in pairs}
    inputs: list[Any] = [
        network,
        sources_hash(*CODE, OWN_CODE),
        [
            [name, *_identity(pairs[name]), of.model_dump(mode="json")]
            for name, of in chosen.items()
        ],
    ]
    if networks.inverse is not None:
        inputs.append(content_hash(STORED))
    make_way(ANALOGIES)
    with workplace("analogy_gallery", *inputs) as folder:
        made = folder / ANALOGIES.name
        for name, given in pairs.items():
            if (made / name).is_dir():
                continue
            begun = time.perf_counter()
            found = make_analogy(
                given.a.image, given.b_prime.image, networks.pyramid, chosen[name], networks.inverse
            )
            with written(made / name) as partial:
                partial.mkdir()
                # No times: equal settings give equal files.
                write_results(partial, given, found, chosen[name], {"network": network})
            seconds = time.perf_counter() - begun
            print(f"{name}: {seconds:.1f} s", file=sys.stderr, flush=True)
        shown = [gathered(name, made / name, given, gallery.side) for name, given in pairs.items()]
        page = render(shown, tables, network["name"], printed(params))
        replace(made, ANALOGIES)
    with written(PAGE) as partial:
        partial.write_text(page)


def _identity(given: Given) -> list[str]:
    """What a pair is made of."""
    return [given.mode, *(f"{of.source} {of.sha256}" for of in (given.a, given.b_prime))]


def printed(params: dict[str, Any]) -> str:
    """The settings of the run as YAML."""
    chosen = {name: params[name] for name in PRINTED if name in params}
    return yaml.safe_dump(chosen, sort_keys=False, default_flow_style=None, width=90)


if __name__ == "__main__":
    run(main)
