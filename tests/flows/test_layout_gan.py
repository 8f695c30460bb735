"""The GAN of `exemplar layout`: trained once, stopped, taken up again, and what it cannot learn."""

from __future__ import annotations

from pathlib import Path

import pytest

from exemplar.data.problems import RequestError
from exemplar.features.efficientnet_lite2 import EfficientNetSettings
from exemplar.features.vgg19_encoder import SmallVggSettings
from exemplar.methods.semantic_analogy.contest import Contest
from exemplar.methods.semantic_analogy.model import Gan
from exemplar.methods.semantic_analogy.requests import Request
from exemplar.report.layout_results import FILES
from flows import layout_training
from flows.layout import make_layouts
from tests.flows.layout_project import (
    COLOURS,
    GAN,
    LABELS,
    OUT,
    PHOTO,
    TARGET,
    make_project,
    read,
    save,
    summary,
)
from tests.test_architecture import closure


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    make_project()


def test_the_gan_is_trained_once_and_found_again(monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    make_layouts(Request(PHOTO, LABELS, TARGET), OUT, GAN)
    assert {path.name for path in Path(OUT, "target").iterdir()} == FILES
    # The source is larger than `working_side`, and results are as large as it was learned.
    assert read(OUT / "target/image.png").shape == (33, 40, 3)
    facts = summary()
    assert facts["notes"][0].startswith("the source has 48×40 pixels, the GAN learns and paints")
    assert facts["training_seconds"] > 0
    assert sorted(path.name for path in Path(OUT, "preview").iterdir()) == [
        "000002.png", "000004.png", "preview.json"
    ]  # fmt: skip
    assert Path(facts["model"]).is_file() and not list(Path(".work/layout").rglob("*.safetensors"))
    first = read(OUT / "target/image.png")
    monkeypatch.setattr(layout_training, "train_gan", lambda *a: pytest.fail("trained again"))
    make_layouts(Request(PHOTO, LABELS, TARGET, ("remove:#0aa00a",)), OUT, GAN)
    assert "1/2 target: there already" in capsys.readouterr().err
    assert read(OUT / "remove-0aa00a/image.png").shape == (33, 40, 3)
    make_layouts(Request(PHOTO, LABELS, TARGET), Path("again"), GAN)
    assert (read("again/target/image.png") == first).all()
    assert not Path("again/preview").exists()


def test_a_stopped_training_leaves_its_best_and_goes_on(monkeypatch, capsys) -> None:
    make_layouts(Request(PHOTO, LABELS, TARGET), Path("whole"), GAN)
    for model in Path("models/layout").iterdir():
        model.unlink()

    def stopped(self, step: int, gan: Gan) -> None:
        call(self, step, gan)
        if step == 4:
            raise KeyboardInterrupt

    call = layout_training._Previews.__call__
    with monkeypatch.context() as patched:
        patched.setattr(layout_training._Previews, "__call__", stopped)
        with pytest.raises(KeyboardInterrupt):
            make_layouts(Request(PHOTO, LABELS, TARGET), OUT, GAN)
    assert "stopped; the results are those of step 4 of 4; the same" in capsys.readouterr().err
    assert summary()["stopped_at"] == 4 and summary()["made_from"] is None
    make_layouts(Request(PHOTO, LABELS, TARGET), OUT, GAN)  # from the checkpoint of step 2
    assert "stopped_at" not in summary() and summary()["made_from"]
    assert (read(OUT / "target/image.png") == read("whole/target/image.png")).all()


def test_stopped_before_anything_was_seen_nothing_is_written(monkeypatch, capsys) -> None:
    def stopped(*given) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(layout_training, "train_gan", stopped)
    with pytest.raises(KeyboardInterrupt):
        make_layouts(Request(PHOTO, LABELS, TARGET), OUT, GAN)
    assert "stopped before anything was learned" in capsys.readouterr().err
    assert not Path(OUT, "target").exists()


def test_stopped_between_previews_it_delivers_what_was_learned(monkeypatch, capsys) -> None:
    def stopped(self, number: int):
        if number == stops[0]:
            raise KeyboardInterrupt
        return call(self, number)

    call, stops = Contest.__call__, [0]
    with monkeypatch.context() as patched:
        patched.setattr(Contest, "__call__", stopped)
        for step in (1, 3, 2):  # the last right after it was taken up again
            stops[:] = [step]
            with pytest.raises(KeyboardInterrupt):
                make_layouts(Request(PHOTO, LABELS, TARGET), OUT, GAN)
            assert f"results are those of step {step} of 4" in capsys.readouterr().err
            assert summary()["stopped_at"] == step
            assert read(OUT / "target/image.png").shape == (33, 40, 3)
    assert not Path(OUT, "preview/000003.png").exists()
    make_layouts(Request(PHOTO, LABELS, TARGET), OUT, GAN)
    resumed = read(OUT / "target/image.png")
    for model in Path("models/layout").iterdir():
        model.unlink()
    make_layouts(Request(PHOTO, LABELS, TARGET), Path("whole"), GAN)
    assert (read("whole/target/image.png") == resumed).all()


def test_classes_too_small_for_the_gan_are_refused_or_noted(capsys) -> None:
    labels = read(LABELS).copy()
    labels[30, 40] = (9, 9, 9)  # less than half of a pixel at the GAN's size
    save(labels, LABELS)
    save(labels[::-1, ::-1], "lost.png")
    labels[20:30, 20:30] = (9, 9, 9)
    save(labels, "large.png")
    with pytest.raises(RequestError, match=r"large.png: has #090909, of which at 40×33 .*--side"):
        make_layouts(Request(PHOTO, LABELS, (Path("large.png"),)), OUT, GAN)
    assert not OUT.exists()
    make_layouts(Request(PHOTO, LABELS, TARGET), OUT, GAN)
    told = "at 40×33 pixels, at which the GAN learns, nothing is left of #090909"
    assert told in capsys.readouterr().err
    # Notes of how labels were read do not hide those of sizes.
    first, second = summary()["notes"]
    assert first.startswith(told) and second.startswith("the source has 48×40 pixels")
    labels[:] = COLOURS[0]
    labels[30, 40] = (9, 9, 9)
    save(labels, LABELS)
    with pytest.raises(RequestError, match=r"one class only, #0a0ac8: .* give --side"):
        make_layouts(Request(PHOTO, LABELS, (Path(LABELS),)), OUT, GAN)


def test_a_trained_gan_depends_on_all_code_that_trains_it() -> None:
    needed = closure("exemplar.methods.semantic_analogy.training")
    left = {
        file
        for file in needed
        if not any(file == code or file.startswith(f"{code}/") for code in layout_training.CODE)
    }
    assert {Path(file).name for file in left} == {"__init__.py"}
    files = [code for code in layout_training.CODE if code.endswith(".py")]
    assert set(files) <= needed


def test_weights_of_a_package_are_told_by_their_name(tmp_path: Path) -> None:
    file = tmp_path / "vgg.pth"
    assert layout_training._weights(EfficientNetSettings()) == []
    assert layout_training._weights(SmallVggSettings(weights=file)) == []
    file.touch()
    assert layout_training._weights(SmallVggSettings(weights=file)) == [file]
