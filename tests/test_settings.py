"""Settings: typed, frozen, and all problems of a section named together."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from exemplar.settings import Settings, SettingsError, load_params, section


class Toy(Settings):
    size: int = 3
    name: str = "a"


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


def test_a_missing_section_says_what_there_is():
    with pytest.raises(SettingsError, match=r"no section 'a.x': a has b"):
        section({"a": {"b": {}}}, "a.x", Toy)


def test_files_that_are_not_settings(tmp_path):
    with pytest.raises(SettingsError, match="run from the project's root"):
        load_params(tmp_path / "none.yaml")
    (tmp_path / "list.yaml").write_text("- 1\n")
    with pytest.raises(SettingsError, match="expected a mapping of sections, got list"):
        load_params(tmp_path / "list.yaml")
    (tmp_path / "bad.yaml").write_text("a: [1\n")
    with pytest.raises(SettingsError, match="not valid YAML"):
        load_params(tmp_path / "bad.yaml")
