"""Prefect's server for tests, whose database is migrated once a checkout and then copied."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from importlib.metadata import version
from pathlib import Path

import pytest

from exemplar.store.files import written
from flows.server import Server, prefect_server


@contextmanager
def migrated_server(config: pytest.Config) -> Iterator[Server]:
    """A temporary server that answers.

    A database without records takes longer to make than all else that the server does as it
    starts: the first server of a version leaves one in pytest's cache, if there is one.
    """
    cache = getattr(config, "cache", None)
    kept = cache.mkdir("prefect") if cache else Path(os.environ["PREFECT_HOME"], "kept")
    template = kept / f"{version('prefect')}.db"
    database = Path(os.environ["PREFECT_HOME"]) / "prefect.db"
    if template.exists():
        database.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(template, database)
    with prefect_server() as server:
        server.wait()
        if not template.exists():
            with (
                written(template) as partial,
                closing(sqlite3.connect(database)) as source,
                closing(sqlite3.connect(partial)) as copy,
            ):
                source.backup(copy)
        yield server
