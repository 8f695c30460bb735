"""Whole files or none; unfinished work is found again by its inputs."""

from __future__ import annotations

import pytest

from exemplar.store.files import content_hash, sources_hash, workplace, written


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


def test_a_hash_of_sources_is_of_what_they_do(tmp_path, monkeypatch):
    """Comments, docstrings and layout do not count; names of files, code and strings do."""
    monkeypatch.setattr("exemplar.store.files.__file__", str(tmp_path / "exemplar/store/files.py"))
    package = tmp_path / "exemplar" / "room"
    package.mkdir(parents=True)

    def hashed(text: str, name: str = "a.py") -> str:
        for path in package.iterdir():
            path.unlink()
        (package / name).write_text(text)
        sources_hash.cache_clear()
        return sources_hash("exemplar/room")

    plain = "def f(x):\n    return x + 1\n\n\nclass C:\n    y = 'a'\n"
    same = [
        '"""A module."""\n' + plain + "# the end\n",
        plain.replace("    return", '    """Adds."""\n    return'),
        plain.replace("class C:\n", 'class C:\n    """A class."""\n\n'),
        plain.replace("x + 1", "(x\n            + 1)  # one more"),
    ]
    assert {hashed(text) for text in same} == {hashed(plain)}
    other = [
        plain.replace("+ 1", "+ 2"),
        plain.replace("'a'", "'b'"),
        plain.replace("return x", "y = 'text'\n    return x"),
        plain + "f(1)\n",
        "",
        '"""Nothing else."""\n"not a docstring"',
    ]
    assert len({hashed(text) for text in [plain, *other]}) == len(other) + 1
    assert hashed(plain, "b.py") != hashed(plain)
    assert hashed("def f():\n    '''Nothing.'''\n") == hashed("def f():\n    pass\n")
    assert sources_hash("exemplar/room") == sources_hash("exemplar/room/a.py")
