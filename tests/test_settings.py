"""Settings: typed, frozen, and all problems of a file or section named together, with lines."""

from __future__ import annotations

import re
import string
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from exemplar.settings import Settings, SettingsError, load_params, section

ROOT = Path(__file__).resolve().parents[1]


class Inner(Settings):
    depth: int = 1


class Toy(Settings):
    size: int = 3
    name: str = "a"
    inner: Inner | None = None


def read(folder: Path, text: str | bytes):
    path = folder / "p.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return load_params(path)


def told(folder: Path, text: str | bytes) -> str:
    """What is said of a wrong file, without its folder."""
    with pytest.raises(SettingsError) as caught:
        read(folder, text)
    return str(caught.value).replace(f"{folder}/", "")


def test_a_section_becomes_its_model():
    toy = section({"a": {"b": {"size": 5}}}, "a.b", Toy)
    assert toy == Toy(size=5)
    with pytest.raises(ValidationError, match="frozen"):
        toy.size = 4


def test_all_problems_are_named_with_their_keys():
    with pytest.raises(SettingsError) as caught:
        section({"toy": {"size": "many", "colour": 1}}, "toy", Toy)
    assert "toy.size" in str(caught.value) and "got 'many'" in str(caught.value)
    assert "toy.colour" in str(caught.value)


def test_problems_have_lines_and_say_what_may_be_meant(tmp_path):
    params = read(
        tmp_path, "other: 1\ntoy:\n  # note\n  sise: 5\n  inner:\n    dept: 2\n    name: x\n"
        "  name: no\n  size: 1e3\n",
    )  # fmt: skip
    with pytest.raises(SettingsError) as caught:
        section(params, "toy", Toy)
    lines = sorted(str(caught.value).splitlines()[1:])
    assert [line.split(": ")[:2] for line in lines] == [
        ["  line 4", "toy.sise"], ["  line 6", "toy.inner.dept"], ["  line 7", "toy.inner.name"],
        ["  line 8", "toy.name"], ["  line 9", "toy.size"],
    ]  # fmt: skip
    assert [line.rpartition("; ")[2].partition(":")[0] for line in lines] == [
        "did you mean 'size'?", "did you mean 'depth'?", "did you mean 'name'?",
        "put it in quotes", "YAML reads it as text",
    ]  # fmt: skip


def test_a_missing_section_says_what_there_is():
    with pytest.raises(SettingsError, match=r"no section 'a.x': a has b$"):
        section({"a": {"b": {}}}, "a.x", Toy)
    with pytest.raises(SettingsError, match="has domain, run; did you mean 'domain'"):
        section({"domain": {}, "run": {}}, "domains", Toy)


def test_files_that_are_not_settings(tmp_path):
    with pytest.raises(SettingsError, match="run from the project's root"):
        load_params(tmp_path / "none.yaml")
    with pytest.raises(SettingsError, match="cannot be read: Is a directory"):
        load_params(tmp_path)
    assert told(tmp_path, "- 1\n") == "p.yaml: expected a mapping of sections, got list"
    for text in ("", "\n\n", "# nothing\n"):
        assert told(tmp_path, text) == "p.yaml: expected a mapping of sections, got an empty file"
    for data in ("a: 1\nb: é\n".encode("latin-1"), b"a: 1\n\xff\xfe"):
        assert told(tmp_path, data) == "p.yaml:2: not UTF-8; save the file as UTF-8"
    assert "p.yaml:2: the character '\\x07'" in told(tmp_path, "a: 1\nb: \x07\n")


@pytest.mark.parametrize(
    ("text", "where", "line", "words"),
    [
        ("a: 1\nb:\n\tc: 1\n", "3:1", " c: 1", "with spaces, not with tabs"),
        ("a:\n  b: 1\n c: 2\n", "3:2", " c: 2", "indent the line as its neighbours are"),
        ("a: 1\nb: c: d\n", "2:5", "b: c: d", "quote a text that has a colon"),
        ("a: 1\nb: [1,\nc: 2\n", "2:4", "b: [1,", "while parsing a flow sequence"),
        ("a: 'x\nb: 1\n", "1:4", "a: 'x", "while scanning a quoted scalar"),
        ("a: 1\n---\nb: 1\n", "2:1", "---", "expected a single document"),
        ("a: !!python/name:os.system ''\n", "1:4", "a: !!python", "could not determine"),
    ],
)
def test_mistakes_of_yaml_are_shown_with_their_line(tmp_path, text, where, line, words):
    said, shown, mark = told(tmp_path, text).splitlines()
    assert said.startswith(f"p.yaml:{where}: not valid YAML: ") and words in said
    assert shown.startswith(f"  {line}")
    assert mark.index("^") - 2 == int(where.split(":")[1]) - 1


def test_a_date_that_is_none_is_told(tmp_path):
    assert told(tmp_path, "a: 2018-02-30\n").startswith("p.yaml: not valid YAML: day is out of")


def test_keys_that_come_twice_are_told_together(tmp_path):
    text = "a: 1\nb: {c: 1}\nlist: [{x: 1, x: 2}]\nb:\n  c: 2\n  d: 3\n  c: 4\n"
    assert told(tmp_path, text).splitlines() == [
        "p.yaml does not fit:",
        "  line 3: list.0.x stands in line 3, too; keep one",
        "  line 4: b stands in line 2, too; keep one",
        "  line 7: b.c stands in line 5, too; keep one",
    ]


def test_what_yaml_allows_is_read_as_by_yaml(tmp_path):
    for text in (
        "\ufeffa: 1\n", "a: &x {b: 1}\nc: {<<: *x, b: 2}\n", "a: &x [1, 2]\nb: [*x, *x]\n",
        "a: é\r\nb: 'x: y'\r\n", "1: a\ntrue: b\n",
    ):  # fmt: skip
        assert read(tmp_path, text) == yaml.safe_load(text.lstrip("\ufeff"))
    assert read(tmp_path, "a: &x [*x]\n")["a"][0][0] is not None


NAMES = [
    ("run: {domains: [%s]}", "run.domains"),
    ("run: {layouts: [%s]}", "run.layouts"),
    ("run: {sources: [%s]}", "run.sources"),
    ("domains: {%s: {}}", "domains"),
    ("sources: {%s: {}}", "sources"),
    ("sources: {one: {targets: {%s: {}}}}", "sources.one.targets"),
    ("analogy_gallery: {pairs: {%s: {}}}", "analogy_gallery.pairs"),
    ("analogy_keypoints: {sets: {%s: {}}}", "analogy_keypoints.sets"),
]


@pytest.mark.parametrize(("text", "where"), NAMES)
@pytest.mark.parametrize(
    "name",
    ["a; touch x", "$(x)", "<img onerror=1>", "../x", "a/b", "a.b", "é", "", "-a", "_a", " a",
     "a&b", 'a"b', "a\nb", "a" * 65],
)  # fmt: skip
def test_one_rule_for_every_name(tmp_path, text, where, name):
    quoted = yaml.safe_dump(name, default_style='"', width=1000).strip()
    said = told(tmp_path, "x: 1\n" + text % quoted).splitlines()[1]
    assert said.startswith(f"  line 2: {where}: {name!r} is no name; expected 1 to 64 letters")


@given(st.text(string.ascii_letters + string.digits + "_-.;/ é\n", min_size=1, max_size=4))
def test_names_are_letters_digits_and_dashes(tmp_path_factory, name):
    folder = tmp_path_factory.getbasetemp()
    good = name[0] not in "_-" and all(c.isascii() and (c.isalnum() or c in "_-") for c in name)
    text = f"domains:\n  {yaml.safe_dump(name, default_style=chr(34), width=1000).strip()}: {{}}\n"
    if good and name.lower() not in ("con", "prn", "aux", "nul", *(f"com{n}" for n in range(10)),
                                     *(f"lpt{n}" for n in range(10))):  # fmt: skip
        assert list(read(folder, text)["domains"]) == [name]
    else:
        assert "domains: " in told(folder, text)


def test_names_that_yaml_reads_otherwise_and_those_alike_are_told_together(tmp_path):
    text = "run:\n  domains:\n  - no\n  - 2018\ndomains:\n  Pets: {}\n  pets: {}\n  NUL: {}\n"
    wrong = "is read by YAML as {}; expected a name: put it in quotes"
    assert told(tmp_path, text).splitlines()[1:] == [
        f"  line 3: run.domains: False {wrong.format('true or false')}",
        f"  line 4: run.domains: 2018 {wrong.format('int, not text')}",
        "  line 7: domains: 'pets' differs from 'Pets' in case only; rename one",
        "  line 8: domains: 'NUL' is a device on Windows, and no file there can be called so",
    ]


def test_no_command_of_the_pipeline_takes_a_bare_value():
    """DVC quotes for the shell what it writes of a whole `${item}`, but nothing of its parts."""
    stages = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]
    for name, stage in stages.items():
        values = re.findall(r"\$\{.*?\}", stage["cmd"])
        assert values == (["${item}"] if "matrix" in stage else []), name
