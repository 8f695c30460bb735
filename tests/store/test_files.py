"""Whole files or none; unfinished work is found again by its inputs."""

from __future__ import annotations

import errno
import os
import shutil
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from exemplar.store.files import (
    DiskError,
    content_hash,
    make_way,
    replace,
    sources_hash,
    workplace,
    written,
)


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
    with pytest.raises(DiskError, match="the stage that makes it has not run"):
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
        for path in package.glob("*.py"):
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


def test_hashes_of_sources_are_noted_for_other_processes(tmp_path, monkeypatch):
    monkeypatch.setattr("exemplar.store.files.__file__", str(tmp_path / "exemplar/store/files.py"))
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    monkeypatch.setattr(sys, "pycache_prefix", None)
    (tmp_path / "a.py").write_text("a = 1\n")
    found = sources_hash.__wrapped__("a.py")
    with monkeypatch.context() as patch:
        patch.setattr("exemplar.store.files._bare", lambda *_: pytest.fail("found out again"))
        assert sources_hash.__wrapped__("a.py") == found
    [note] = (tmp_path / "__pycache__").iterdir()
    for damaged in ("", "nothing", "a b c"):
        note.write_text(damaged)
        assert sources_hash.__wrapped__("a.py") == found
    (tmp_path / "a.py").write_text("a = 2\n")
    assert sources_hash.__wrapped__("a.py") != found
    note.unlink()
    note.parent.rmdir()
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    sources_hash.__wrapped__("a.py")
    assert not note.parent.exists()


@pytest.fixture
def apart(tmp_path, monkeypatch) -> tuple[Path, Path]:
    """Two folders between which nothing can be renamed, as of two file systems."""
    roots = (tmp_path / "one", tmp_path / "two")
    for root in roots:
        root.mkdir()

    def refusing(call):
        def renamed(source, target, **given):
            if not any(Path(source).is_relative_to(root) for root in roots
                       if Path(target).is_relative_to(root)):  # fmt: skip
                raise OSError(errno.EXDEV, "Invalid cross-device link", str(source))
            return call(source, target, **given)

        return renamed

    monkeypatch.setattr(os, "rename", refusing(os.rename))
    monkeypatch.setattr(os, "replace", refusing(os.replace))
    return roots


def fill(folder: Path, content: str) -> None:
    (folder / "c" / "0").mkdir(parents=True)
    (folder / "c" / "0" / "0").write_text(content)
    (folder / "zarr.json").write_text(content)
    (folder / "link").symlink_to("zarr.json")


def contents(folder: Path) -> dict[str, str]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_text() for path in files}


NEW = {"c/0/0": "new", "zarr.json": "new", "link": "new"}


@pytest.mark.parametrize("before", ["nothing", "a folder", "a file", "a link"])
def test_a_folder_is_moved_to_another_file_system(apart, before):
    one, two = apart
    target, elsewhere = two / "x.zarr", two / "elsewhere"
    fill(one / "made", "new")
    fill(elsewhere, "other")
    match before:
        case "a folder":
            fill(target, "old")
            (target / "former").touch()
        case "a file":
            target.write_text("old")
        case "a link":
            target.symlink_to(elsewhere)
    replace(one / "made", target)
    assert contents(target) == NEW
    assert (target / "link").is_symlink() and not target.is_symlink()
    assert contents(elsewhere)["c/0/0"] == "other"  # what a link led to is not ours
    assert sorted(path.name for path in (*one.iterdir(), *two.iterdir())) == ["elsewhere", "x.zarr"]


def test_a_file_is_moved_to_another_file_system(apart):
    one, two = apart
    for content in ("first", "second"):
        (one / "made").write_text(content)
        replace(one / "made", two / "x")
        assert (two / "x").read_text() == content
    assert [path.name for path in (*one.iterdir(), *two.iterdir())] == ["x"]


def test_what_cannot_be_copied_whole_leaves_what_was_there(apart, monkeypatch):
    one, two = apart
    fill(one / "made", "new")
    fill(two / "x", "old")
    copyfile = shutil.copyfile

    def full(source, target, **given):
        copyfile(source, target, **given)
        raise OSError(errno.ENOSPC, "No space left on device", str(target))

    monkeypatch.setattr(shutil, "copyfile", full)
    told = r"x: cannot be moved here from .*made \(.*No space left on device.*\); it is kept"
    with pytest.raises(OSError, match=told):
        replace(one / "made", two / "x")
    assert contents(two / "x")["zarr.json"] == "old" and contents(one / "made") == NEW
    assert [path.name for path in two.iterdir()] == ["x"]


def test_a_folder_stays_until_the_new_one_has_its_name(tmp_path, monkeypatch):
    fill(tmp_path / "made", "new")
    fill(tmp_path / "x", "old")
    rename = os.replace

    def failing(source, target, **given):
        if Path(source).name == "made":
            raise OSError(errno.EIO, "Input/output error")
        rename(source, target, **given)

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", failing)
        with pytest.raises(OSError, match="Input/output"):
            replace(tmp_path / "made", tmp_path / "x")
    assert contents(tmp_path / "x")["zarr.json"] == "old"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["made", "x"]


def test_a_real_other_file_system(tmp_path):
    shared = Path("/dev/shm")
    if not shared.is_dir() or shared.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("needs another file system")
    with TemporaryDirectory(dir=shared) as other:
        fill(tmp_path / "made", "new")
        replace(tmp_path / "made", Path(other, "x"))
        assert contents(Path(other, "x")) == NEW and not (tmp_path / "made").exists()
        assert [path.name for path in Path(other).iterdir()] == ["x"]


@pytest.mark.parametrize("name", ["a" * 255, "é" * 127 + "a", "a" * 240])
def test_names_may_be_as_long_as_file_systems_take(tmp_path, name):
    for content in ("one", "two"):
        with written(tmp_path / name) as temporary:
            temporary.write_text(content)
    assert [(p.name, p.read_text()) for p in tmp_path.iterdir()] == [(name, "two")]


def test_where_nothing_can_be_written_is_told_before_the_work(tmp_path):
    make_way(tmp_path / "a" / "b" / "x.zarr")
    assert list((tmp_path / "a" / "b").iterdir()) == []
    (tmp_path / "gone").symlink_to("nowhere")
    (tmp_path / "file").touch()
    for folder in (tmp_path / "gone", tmp_path / "file" / "deep", Path("/proc")):
        with pytest.raises(OSError, match=f"^{folder}: expected a folder for x.zarr that can be"):
            make_way(folder / "x.zarr")
