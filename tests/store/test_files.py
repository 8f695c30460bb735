"""Whole files or none; unfinished work is found again by its inputs."""

from __future__ import annotations

import pytest

from exemplar.store.files import content_hash, workplace, written


def test_a_failed_write_leaves_what_was_there(tmp_path):
    target = tmp_path / "a.txt"
    target.write_text("old")
    with pytest.raises(RuntimeError), written(target) as partial:
        partial.write_text("half")
        raise RuntimeError
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_a_folder_replaces_a_folder(tmp_path):
    target = tmp_path / "folder"
    for content in ("one", "two"):
        with written(target) as partial:
            partial.mkdir()
            (partial / content).write_text(content)
    assert [p.name for p in target.iterdir()] == ["two"]


def test_a_hash_is_of_contents_names_and_values(tmp_path):
    for name, files in {"a": {"x": "1"}, "b": {"x": "1"}, "c": {"y": "1"}, "d": {"x": "2"}}.items():
        (tmp_path / name).mkdir()
        for file, content in files.items():
            (tmp_path / name / file).write_text(content)
    a, b, c, d = (content_hash(tmp_path / name) for name in "abcd")
    assert a == b and len({a, c, d}) == 3
    assert content_hash({"k": 1, "l": 2}) == content_hash({"l": 2, "k": 1})
    assert content_hash("ab", "c") != content_hash("a", "bc")
    with pytest.raises(FileNotFoundError, match="the stage that makes it has not run"):
        content_hash(tmp_path / "missing")


def test_unfinished_work_is_found_by_its_inputs_and_stale_work_removed(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(KeyboardInterrupt), workplace("job/a", {"v": 1}) as folder:
        (folder / "half").write_text("done so far")
        raise KeyboardInterrupt
    with workplace("job/a", {"v": 1}) as again:
        assert (again / "half").read_text() == "done so far"
    assert not again.exists()
    with pytest.raises(KeyboardInterrupt), workplace("job/a", {"v": 1}) as folder:
        (folder / "half").write_text("stale")
        raise KeyboardInterrupt
    with workplace("job/a", {"v": 2}) as other:
        assert other != folder and not folder.exists()
