"""`exemplar synth` by its default method, on a domain of drawn heads: from files to files."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from PIL import Image

from exemplar.data.domains import prepare_domain
from exemplar.methods.pixelnn.whole.by_labels import ByLabels
from exemplar.methods.pixelnn.whole.files import Request
from exemplar.methods.pixelnn.whole.records import rederived
from exemplar.store import layout
from exemplar.store.arrays import array, open_group
from flows import cli, synth_whole
from tests.methods.pixelnn.whole.heads import (
    CLASSES,
    DOMAIN,
    SIDE,
    WHOLE,
    labels_of,
    opened,
    params_of,
    photograph_of,
    write_heads,
)

EVERY = ["1", "2", "3", "4"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = tmp_path_factory.mktemp("heads")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(made)
        write_heads()
        Image.fromarray(labels_of(6)).save("a.png")
    return made


@pytest.fixture
def here(folder, monkeypatch):
    monkeypatch.chdir(folder)
    return folder


def run(out, *words, domain=DOMAIN):
    given = ["--domain", domain, "--condition", "labels", "--out", out]
    return cli.main([str(word) for word in ("synth", *words, *given)])


def pictures(folder):
    files = sorted(Path(folder, "candidates").glob("*.png"))
    return {path.stem: np.asarray(Image.open(path)) for path in files}


def test_everything_is_written_best_first(here, tmp_path, capsys):
    assert run(tmp_path, "a.png") == 0
    told = capsys.readouterr()
    assert told.out == f"{tmp_path}/a\n"
    assert "note: 4 candidates of 40×40 for each of 1 input: about " in told.err
    assert "note: a.png: 40×40, 5 classes by number: ground 5" in told.err
    assert f"a.png: 4 of {len(EVERY)} candidates\n" in told.err
    assert {path.name for path in (tmp_path / "a").iterdir()} == {
        "input.png", "candidates", "contact-sheet.png", "sources.npz", "attribution.csv",
        "correspondence.png", "synth.json",
    }  # fmt: skip
    made = pictures(tmp_path / "a")
    assert [name.split("-")[0] for name in made] == EVERY
    assert {name.split("-", 1)[1] for name in made} == {
        f"K{count}-from{leader}-guides" for count in (1, 2) for leader in (1, 2)
    }
    assert all(picture.shape == (SIDE, SIDE, 3) for picture in made.values())
    assert (rederived(tmp_path / "a/sources.npz") == np.stack([*made.values()])).all()
    table = pd.read_csv(tmp_path / "a/attribution.csv")
    assert list(table) == [
        "candidate", "score", "exemplar", "path", "licence", "share", "mirrored", "changed",
    ]  # fmt: skip
    each = table.groupby("candidate", sort=False)
    assert list(each.groups) == list(made) and each["score"].first().is_monotonic_increasing
    assert each["share"].sum().to_numpy() == pytest.approx(1, abs=1e-5)
    assert (each["share"].diff().dropna() <= 0).all()
    assert (table["licence"] == "ours").all() and table["path"].str.match(r"train/").all()
    leaders = each.first()
    assert (leaders["changed"] == 0).all() or (table["changed"] > 0).any()
    with np.load(tmp_path / "a/sources.npz", allow_pickle=False) as stored:
        assert [str(member) for member in stored["candidates"]] == [
            n.split("-", 1)[1] for n in made
        ]
        assert stored["score"] == pytest.approx(each["score"].first().to_numpy(), abs=1e-5)
        for place, name in enumerate(made):
            named = set(table[table["candidate"] == name]["exemplar"])
            assert named <= set(stored["exemplar"][place])


def test_a_few_that_differ(here, tmp_path):
    assert run(tmp_path / "every", "a.png") == run(tmp_path / "few", "a.png", "--count", 2) == 0
    every, few = pictures(tmp_path / "every/a"), pictures(tmp_path / "few/a")
    assert (next(iter(few.values())) == next(iter(every.values()))).all()
    by_member = {name.split("-", 1)[1]: picture for name, picture in every.items()}
    assert len(few) == 2
    for name, picture in few.items():
        assert (picture == by_member[name.split("-", 1)[1]]).all()


def test_only_and_exclude_are_held_to(here, tmp_path):
    names = opened(params_of())[0].items["id"].tolist()
    assert run(tmp_path / "one", "a.png", "--only", names[2]) == 0
    assert [n.split("-", 1)[1] for n in pictures(tmp_path / "one/a")] == ["K1-from1-guides"]
    assert run(tmp_path / "rest", "a.png", "--exclude", names[0], "--exclude", names[1]) == 0
    used = set(pd.read_csv(tmp_path / "rest/a/attribution.csv")["exemplar"])
    assert used and used.isdisjoint(names[:2]) and used <= set(names[2:6])
    assert set(pd.read_csv(tmp_path / "one/a/attribution.csv")["exemplar"]) == {names[2]}


def test_exemplars_like_a_photograph(here, tmp_path, capsys):
    Image.fromarray(photograph_of(3, labels_of(3))).save("like.png")
    assert run(tmp_path / "o", "a.png", "--from", "like.png", "--like", 2) == 0
    used = set(pd.read_csv(tmp_path / "o/a/attribution.csv")["path"])
    assert "train/images/3.png" in used and len(used) <= 2
    assert run(tmp_path / "p", "a.png", "--from", "like.png", "--like", 1) == 1
    assert "--like 1: expected 2" in capsys.readouterr().err


@pytest.mark.parametrize("size", [32, 56])
def test_pictures_of_another_size(here, tmp_path, capsys, size):
    assert run(tmp_path, "a.png", "--size", size) == 0
    made = pictures(tmp_path / "a")
    assert {picture.shape for picture in made.values()} == {(size, size, 3)}
    said = "note: --size 56: most photographs of heads have 40 pixels at their longer side, and are"
    assert (said in capsys.readouterr().err) == (size == 56)
    assert (rederived(tmp_path / "a/sources.npz") == np.stack([*made.values()])).all()
    # Parts are as large as they should be: an exemplar's own map still gives it back.
    Image.fromarray(labels_of(4)).save("own.png")
    assert run(tmp_path, "own.png", "--size", size) == 0
    own = next(p for n, p in pictures(tmp_path / "own").items() if n.endswith("K1-from1-guides"))
    whole = Image.fromarray(photograph_of(4, labels_of(4))).resize(
        (size, size), 3 if size > 40 else 4
    )
    assert np.abs(own.astype(int) - np.asarray(whole)).mean() < 12


def test_all_that_is_wrong_is_told_together(here, tmp_path, capsys):
    Path("text.png").write_text("no image")
    Image.fromarray(labels_of(6) + 9).save("classes.png")
    words = ["a.png", "none.png", "text.png", "classes.png", "--size", 5, "--count", 99]
    assert run(tmp_path / "o", *words) == 1
    told = capsys.readouterr().err
    for said in (
        "--size 5: expected 32 to 4096 pixels", "none.png: no such file",
        "text.png: not an image of a known format", "classes.png: labels 9, 10, 11, 12, 13 have no",
        "--count 99: expected 1 to 4, all candidates there are",
    ):  # fmt: skip
        assert said in told, told
    assert run(tmp_path / "o", "none.png", "--only", "unicorn") == 1
    told = capsys.readouterr().err
    assert "none.png: no such file" in told and "category matches 'unicorn'" in told
    assert run(tmp_path / "o", "a.png", "--exclude", "*") == 1
    assert "a picture needs an exemplar, none is left; allow more" in capsys.readouterr().err
    assert not (tmp_path / "o").exists()


def test_sizes_are_of_whole_pictures(tmp_path, capsys):
    words = ["a.png", "--size", 64, "--method", "coherent", "--like", 3]
    assert run(tmp_path / "o", *words) == 1
    told = capsys.readouterr().err
    assert "--size is of --method whole, pictures of coherent are as large" in told
    assert "--like COUNT says how many" in told


def test_maps_with_gaps_are_filled_and_it_is_said(here, tmp_path, capsys):
    labels = labels_of(6)
    labels[::4] = 255
    Image.fromarray(labels).save("gaps.png")
    Image.fromarray(np.where(labels_of(6) == 0, 0, 255).astype(np.uint8)).save("mask.png")
    assert run(tmp_path, "gaps.png", "mask.png") == 0
    told = capsys.readouterr().err
    assert "note: gaps.png: pixels without a class, 25% of all, get the nearest one\n" in told
    assert "note: mask.png: 40×40, 1 class by number: ground" in told
    assert len(pictures(tmp_path / "gaps")) == len(pictures(tmp_path / "mask")) == 4


def test_maps_of_other_shapes_and_colours(here, tmp_path):
    """The same map, large, of a palette, and with margins: the same picture first."""
    labels = Image.fromarray(labels_of(6))
    assert run(tmp_path, "a.png") == 0
    labels.resize((400, 400), Image.Resampling.NEAREST).save("large.png")
    wide = Image.new("L", (80, 40), 0)
    wide.paste(labels, (20, 0))
    wide.save("wide.png")
    listed = labels.convert("P")
    listed.putpalette(np.random.default_rng(0).integers(0, 256, 768).astype(np.uint8).tolist())
    listed.save("listed.png")
    assert run(tmp_path, "large.png", "wide.png", "listed.png") == 0
    expected = pictures(tmp_path / "a")
    for name in ("large", "wide", "listed"):
        made = pictures(tmp_path / name)
        assert list(made) == list(expected)
        assert all((made[each] == picture).all() for each, picture in expected.items())


def test_a_class_that_the_domain_s_exemplars_lack(here, tmp_path):
    """None of three exemplars wears a hat."""
    names = opened(params_of())[0].items["id"].tolist()
    bare = [word for row in (1, 2, 4) for word in ("--only", names[row])]
    Image.fromarray(labels_of(0)).save("hat.png")
    assert (labels_of(0) == CLASSES.index("hat")).any()
    assert run(tmp_path, "hat.png", *bare) == 0
    assert len(pictures(tmp_path / "hat")) == 4


def test_a_domain_of_one_exemplar_and_one_that_is_not_square(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    for split, seed in (("train", 1), ("test", 2)):
        labels = labels_of(seed, (40, 80))
        for name, values in (("label", labels), ("img", photograph_of(seed, labels))):
            path = Path("raw", f"{split}_{name}", "x.png")
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(values).save(path)
    own = {"kind": "cityscapes", "root": "raw", "classes": list(CLASSES), "size": [16, 32],
           "lacking": ["hat"]}  # fmt: skip
    params = params_of() | {"domains": {"streets": own}, "whole": WHOLE | {"detail": 512}}
    Path("params.yaml").write_text(yaml.safe_dump(params))
    prepare_domain("streets", params)
    Image.fromarray(labels_of(1, (40, 80))).save("own.png")
    assert run("o", "own.png", domain="streets") == 0
    assert "note: 1 candidate of 80×40" in capsys.readouterr().err
    (picture,) = pictures("o/own").values()
    stored = photograph_of(1, labels_of(1, (40, 80)))
    assert (picture == stored).all()
    assert (rederived("o/own/sources.npz")[0] == stored).all()
    assert np.asarray(array(open_group(layout.images("streets")), "image")).shape[1:3] == (16, 32)


def test_stopped_it_keeps_what_was_made(here, tmp_path, monkeypatch, capsys):
    """As Ctrl-C does while the second leader is at work."""
    photo, asked = ByLabels.photo, []

    def stopped(finder, pick):
        asked.append(pick)
        if len(asked) == 3:
            os.kill(os.getpid(), signal.SIGINT)
        return photo(finder, pick)

    with monkeypatch.context() as patch:
        patch.setattr(ByLabels, "photo", stopped)
        assert run(tmp_path, "a.png") == 130
    told = capsys.readouterr()
    assert f"note: stopped; {tmp_path}/a has what was made\n" in told.err and told.out == ""
    made = pictures(tmp_path / "a")
    assert 1 <= len(made) < 4
    assert (rederived(tmp_path / "a/sources.npz") == np.stack([*made.values()])).all()
    assert '"made_from": null' in (tmp_path / "a/synth.json").read_text()
    assert run(tmp_path, "a.png") == 0
    assert (
        f"{tmp_path}/a: replaces {len(made) + 5} results of an earlier" in capsys.readouterr().err
    )
    assert len(pictures(tmp_path / "a")) == 4
    assert run(tmp_path, "a.png") == 0
    assert "replaces" not in capsys.readouterr().err  # the same request, whole


def test_stopped_before_the_first_nothing_is_left(here, tmp_path, monkeypatch, capsys):
    def never(request, given):
        raise KeyboardInterrupt
        yield

    monkeypatch.setattr(Request, "made", never)
    assert run(tmp_path / "o", "a.png") == 130
    assert not (tmp_path / "o").exists() and "Traceback" not in capsys.readouterr().err


def test_stopped_the_later_inputs_are_not_begun(here, tmp_path, monkeypatch, capsys):
    def stop(*given):
        raise KeyboardInterrupt

    Image.fromarray(labels_of(2)).save("second.png")
    monkeypatch.setattr(synth_whole, "_progress", stop)
    assert run(tmp_path, "a.png", "second.png") == 130
    assert len(pictures(tmp_path / "a")) == 1 and not (tmp_path / "second").exists()
    assert capsys.readouterr().out == ""
