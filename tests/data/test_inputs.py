from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from exemplar.data.inputs import DomainError, Photo, need_root, unique_ids


def test_ids_are_unique():
    photos = [Photo(s) for s in ("images/a.jpg", "images/a.png", "images/b/c.d.jpg", "a.jpg")]
    photos += [Photo("images/b-c.d.jpg"), Photo("images/a-2.jpg")]
    assert unique_ids(photos, "images") == ["a", "a-2", "b-c.d", "a-3", "b-c.d-2", "a-2-2"]
    forms = [Photo("cafe\u0301.jpg"), Photo("caf\u00e9.jpg")]
    assert unique_ids(forms) == ["caf\u00e9", "caf\u00e9-2"], "no two ids are one name"


def test_missing_root_says_what_was_expected_and_how_to_get_it(tmp_path):
    (tmp_path / "y").mkdir()
    assert need_root(tmp_path, "pets", "Get them", "x", "y") == tmp_path / "y"
    with pytest.raises(
        DomainError, match=r"expected pets \(in x, z\), but it has none of these\. Get them, or"
    ):
        need_root(tmp_path, "pets", "Get them", "x", "z")
    with pytest.raises(DomainError, match="but it is not there"):
        need_root(tmp_path / "gone", "pets", "Get them", "x")
    (tmp_path / "file").touch()
    with pytest.raises(DomainError, match="but it is a file, not a folder"):
        need_root(tmp_path / "file", "pets", "Get them", ".")
    (tmp_path / "link").symlink_to("gone")
    with pytest.raises(DomainError, match="but it is a link to what is not there"):
        need_root(tmp_path / "link", "pets", "Get them", ".")


def test_a_root_that_cannot_be_looked_into_is_told(tmp_path, monkeypatch):
    def denied(path):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr(Path, "is_dir", denied)
    with pytest.raises(DomainError, match="but it cannot be read: Permission denied"):
        need_root(tmp_path, "pets", "Get them", ".")
