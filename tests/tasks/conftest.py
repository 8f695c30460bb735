"""What the tests of tasks share."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def own_state(tmp_path, monkeypatch):
    """Keeps DVC's own bookkeeping of the test within the test's folder."""
    monkeypatch.setenv("DVC_SITE_CACHE_DIR", str(tmp_path / "site"))
    monkeypatch.setenv("SHELL", "/bin/sh")
