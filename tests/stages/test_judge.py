"""The judge learns from strangers, from them alone, and goes on where it was killed."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import yaml

from exemplar.data import synthetic
from exemplar.data.rendered import PARTS, RenderedSettings, render
from exemplar.data.rendered.breeds import BREEDS
from exemplar.data.rendered.strangers import STRANGERS
from exemplar.estimators import load_estimators
from exemplar.store import layout
from exemplar.store.weights import load_weights
from exemplar.training import loop
from stages import judge

PARAMS = {
    "prepare": {"image_size": 16, "workers": 1},
    "judge": {
        "heads": 3,
        "network": {"width": 4, "hidden": 8},
        "training": {"steps": 4, "batch": 2, "pixels": 16, "checkpoint_every": 2, "seed": 1},
    },
}


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["stage"])
    Path("params.yaml").write_text(yaml.safe_dump(PARAMS))


def test_no_default_domain_draws_a_stranger() -> None:
    assert not set(BREEDS) & set(STRANGERS)
    drawn = {render(i, RenderedSettings(train=1), 16, 1).category for i in range(12)}
    assert drawn <= set(BREEDS)
    strange = RenderedSettings(train=1, breeds=tuple(STRANGERS))
    assert render(0, strange, 16, 1).category in STRANGERS
    # Others in looks and in proportions: no breed has any of their coats' colours.
    palettes = {name for breed in BREEDS.values() for name in breed.palette}
    mine = {n for name, b in STRANGERS.items() if name != "statue" for n in b.palette}
    assert not palettes & mine
    proportions = {(b.skull, b.muzzle, b.eye) for b in BREEDS.values()}
    assert not proportions & {(b.skull, b.muzzle, b.eye) for b in STRANGERS.values()}


def test_it_is_named_for_what_it_learned_from_and_leaves_no_renders() -> None:
    judge.main()
    found = load_estimators(layout.JUDGE)
    assert found.identity.startswith("pixelnet-4@strangers#") and found.parts == PARTS
    assert load_weights(layout.JUDGE)[1]["precision"] == "float32"
    left = [path for path in Path().rglob("*") if path.is_file() and path.name != "params.yaml"]
    assert sorted(left) == sorted([layout.JUDGE, layout.JUDGE.with_suffix(".json")])


def test_killed_while_it_renders_or_trains_it_goes_on_to_the_same_weights(monkeypatch) -> None:
    judge.main()
    whole = layout.JUDGE.read_bytes()
    layout.JUDGE.unlink()
    rendered, train_step = [], loop._save

    def counted(task):
        rendered.append(task[0])
        return render(*task)

    def killed(network, optimizer, done, folder):
        train_step(network, optimizer, done, folder)
        raise KeyboardInterrupt

    monkeypatch.setattr(synthetic, "_rendered", counted)
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(loop, "_save", killed)
        judge.main()
    assert not layout.JUDGE.exists() and rendered == [0, 1, 2]
    judge.main()
    assert rendered == [0, 1, 2], "what was rendered is not rendered again"
    assert layout.JUDGE.read_bytes() == whole


def test_another_seed_is_another_judge() -> None:
    judge.main()
    first = layout.JUDGE.read_bytes()
    Path("params.yaml").write_text(
        yaml.safe_dump(PARAMS | {"judge": PARAMS["judge"] | {"seed": 2}})
    )
    judge.main()
    assert layout.JUDGE.read_bytes() != first
