"""Several processes: they take the step of one with the whole batch, and hold the same weights."""

from __future__ import annotations

import multiprocessing
import os
import signal
import socket
import threading
import time

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from exemplar.training.checkpoint import checkpoints, load_checkpoint
from exemplar.training.loop import TrainingError
from exemplar.training.processes import ALONE, TOGETHER, Processes, _together, launch
from tests.training.abreast import Abreast, EndedError
from tests.training.works import ROWS, fails_alone, learn, learn_and_diverge, state, waits


@pytest.fixture(scope="module")
def launched(tmp_path_factory):
    """Where two processes have left their files, and what the launch ended with."""
    folder = tmp_path_factory.mktemp("processes")
    with socket.create_server(("127.0.0.1", 0)) as other, pytest.MonkeyPatch.context() as patch:
        # Where another program, or the training before, said that processes meet.
        patch.setenv("MASTER_PORT", str(other.getsockname()[1]))
        patch.delenv("MASTER_ADDR", raising=False)
        before = dict(os.environ)
        with pytest.raises(TrainingError) as caught:
            launch(learn_and_diverge, "cpu", 2, folder)
        assert dict(os.environ) == before
    return folder, str(caught.value)


@pytest.fixture
def folder(launched):
    return launched[0]


def _weights(folder, rank):
    return torch.load(folder / f"weights-{rank}.pt", weights_only=True)


def test_all_hold_the_same_weights(folder):
    ours, theirs = (_weights(folder, rank) for rank in (0, 1))
    assert all(torch.equal(value, theirs[name]) for name, value in ours.items())


def test_they_are_those_of_one_process_with_the_whole_batch(folder, tmp_path):
    learn(ALONE, "cpu", tmp_path)
    alone, together = _weights(tmp_path, 0), _weights(folder, 0)
    for name, value in alone.items():
        torch.testing.assert_close(together[name], value, rtol=1e-5, atol=1e-6)
    together, whole = state(), state()
    load_checkpoint(folder / "work", together)
    load_checkpoint(tmp_path / "work", whole)
    assert together.step == whole.step == 7
    for ours, theirs in zip(together.history, whole.history, strict=True):
        assert ours == pytest.approx(theirs, rel=1e-5)


@pytest.fixture(scope="module")
def in_turn(tmp_path_factory):
    """Where two processes have left their files of which now one is ahead, now the other."""
    place = tmp_path_factory.mktemp("turns")
    Abreast([0, 1])(learn, "cpu", 2, place)
    return place


MOMENTS = st.integers(0, 30)  # there are about twenty-five, so some are not killed


@settings(max_examples=15)
@given(order=st.lists(st.integers(0, 1), min_size=1, max_size=5), ends=st.tuples(MOMENTS, MOMENTS))
def test_whoever_is_ahead_and_killed_they_learn_the_same(in_turn, tmp_path_factory, order, ends):
    place = tmp_path_factory.mktemp("abreast")
    try:
        Abreast(order, ends)(learn, "cpu", 2, place)
    except EndedError:
        Abreast(order)(learn, "cpu", 2, place)
    for rank in (0, 1):
        for name, value in _weights(place, rank).items():
            assert torch.equal(value, _weights(in_turn, rank)[name])
    now, whole = state(), state()
    assert load_checkpoint(place / "work", now) == load_checkpoint(in_turn / "work", whole) == 7
    assert now.history == whole.history


def test_a_checkpoint_is_written_once(folder):
    assert [path.name for path in checkpoints(folder / "work")] == [
        "step-000000006", "step-000000007",
    ]  # fmt: skip


def test_what_all_come_to_is_raised_here_as_it_is(launched):
    """One process diverges; all know it from their means, and none is left waiting."""
    folder, said = launched
    assert said.startswith("toy: loss is nan near step 6; the last good checkpoint is ")
    assert str(checkpoints(folder / "diverged" / "work")[-1]) in said and "step-000000003" in said
    texts = [(folder / "diverged" / f"error-{rank}.txt").read_text() for rank in (0, 1)]
    assert texts == [said, said]


@pytest.mark.slow
def test_one_that_fails_alone_ends_the_others(tmp_path):
    with pytest.raises(RuntimeError, match=r"process 1 of 2:(\n.*)*the disk of rank 1 is gone"):
        launch(fails_alone, "cpu", 2, tmp_path)
    assert not multiprocessing.active_children()


@pytest.mark.slow
def test_an_interrupted_launch_leaves_no_process(tmp_path):
    def interrupt() -> None:
        while len(list(tmp_path.glob("at-work-*"))) < 2:
            time.sleep(0.1)
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=interrupt, daemon=True).start()
    with pytest.raises(KeyboardInterrupt):
        launch(waits, "cpu", 2, tmp_path)
    for path in tmp_path.glob("at-work-*"):
        with pytest.raises(ProcessLookupError):
            os.kill(int(path.read_text()), 0)


def test_more_gpus_than_there_are_cannot_be_had(monkeypatch):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    with pytest.raises(TrainingError, match="expected at most 1, the GPUs of this machine, got 4"):
        launch(learn, "cuda", 4)


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5])
def test_parts_make_the_whole(count):
    parts = [Processes(rank, count).part(ROWS) for rank in range(count)]
    assert np.array_equal(np.concatenate(parts), ROWS)
    lengths = [len(part) for part in parts]
    assert max(lengths) - min(lengths) == (1 if len(ROWS) % count else 0)


def test_gradients_are_sent_in_groups_of_one_type_and_a_bounded_size():
    whole = [torch.empty(n, device="meta") for n in (5, TOGETHER, 3, TOGETHER - 2, 2, 1)]
    whole.append(torch.empty(4, dtype=torch.float64, device="meta"))
    groups = list(_together(whole))
    sizes = [[value.numel() for value in group] for group in groups]
    assert sizes == [[5], [TOGETHER], [3], [TOGETHER - 2, 2], [1], [4]]


def test_one_process_does_as_if_there_were_none():
    parameter = nn.Parameter(torch.ones(2))
    parameter.grad = torch.tensor([1.0, 2.0])
    ALONE.average([parameter])
    ALONE.meet()
    assert parameter.grad.tolist() == [1.0, 2.0]
    assert ALONE.means({"a": 2.0}) == {"a": 2.0}
