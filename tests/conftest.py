"""What all tests share: one thread each, no telemetry, repeatable properties, the real data."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import hypothesis
import pytest

ROOT = Path(__file__).resolve().parents[1]

# Tests run side by side, and processes they start inherit this: set before torch is imported.
for name, value in {
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "NUMBA_NUM_THREADS": "2",
    "MPLBACKEND": "Agg",
    "DO_NOT_TRACK": "1",
    "DVC_NO_ANALYTICS": "1",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "120",
    "GIT_AUTHOR_NAME": "Exemplar tests",
    "GIT_AUTHOR_EMAIL": "tests@example.invalid",
    "GIT_COMMITTER_NAME": "Exemplar tests",
    "GIT_COMMITTER_EMAIL": "tests@example.invalid",
}.items():
    os.environ.setdefault(name, value)

# A shell that starts the tests in the background has them, and all that they start, ignore Ctrl-C.
signal.signal(signal.SIGINT, signal.default_int_handler)

hypothesis.settings.register_profile("exemplar", deadline=None, derandomize=True, database=None)
hypothesis.settings.load_profile("exemplar")


# A file is the work of one process: none that takes long may begin as the others end.
LONGEST = (
    "tests/flows/test_schedules_run.py",
    "tests/stages/test_pipeline.py",
    "tests/store/test_shards.py",
    "tests/flows/test_cli.py",
    "tests/flows/test_corpus.py",
    "tests/tasks/test_reproduce.py",
    "tests/stages/test_features.py",
    "tests/methods/pix2pixhd/test_training.py",
    "tests/tasks/test_kills.py",
    "tests/methods/semantic_analogy/test_gan_training.py",
    "tests/methods/pixelnn/test_library.py",
    "tests/stages/test_evaluate.py",
    "tests/stages/test_semantic.py",
    "tests/methods/pix2pix/test_training.py",
    "tests/training/test_processes.py",
    "tests/matching/test_fused.py",
    "tests/stages/test_analogy_evaluation.py",
    "tests/stages/test_glann_report.py",
    "tests/flows/test_analogy.py",
    "tests/stages/test_pix2pixhd.py",
    "tests/tasks/test_persist.py",
    "tests/store/test_cluster.py",
    "tests/stages/test_glann_evaluate.py",
    "tests/methods/pix2pixhd/test_export.py",
    "tests/methods/glann/test_glo.py",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Puts the longest files first; the others stay in their order."""
    places = {ROOT / name: place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: places.get(item.path, len(LONGEST)))


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real data beside the project; the test is skipped where it is absent."""
    folder = ROOT.parent / "shared"
    if not (folder / "data").is_dir():
        pytest.skip(f"real data: no folder {folder / 'data'} beside the project")
    return folder
