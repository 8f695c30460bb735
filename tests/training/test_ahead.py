"""Batches drawn ahead are the batches, each drawn once, while steps compute."""

from __future__ import annotations

import threading

import pytest
import torch

from exemplar.training.ahead import DEPTH, Ahead, ready


def test_every_step_gets_its_own_batch_drawn_once():
    drawn = []

    def draw(step):
        drawn.append(step)
        return step * step

    with Ahead(draw, 9) as batches:
        assert [batches(step) for step in range(9)] == [step * step for step in range(9)]
    assert sorted(drawn) == list(range(9))


def test_it_begins_where_it_is_asked_and_ends_with_the_steps():
    drawn = []
    with Ahead(drawn.append, 8) as batches:
        batches(6)
        batches(7)
        batches(3)  # back again
    assert set(drawn) <= {6, 7, 3, 4, 5} and drawn.count(6) == 1


def test_the_next_batches_are_drawn_by_another_thread_while_a_step_computes():
    drawn = [threading.Event() for _ in range(12)]
    threads = set()

    def draw(step):
        threads.add(threading.get_ident())
        drawn[step].set()
        return step

    with Ahead(draw, 12) as batches:
        for step in range(12):
            batches(step)
            # The step computes now, and asks for nothing.
            for following in drawn[step + 1 : step + 1 + DEPTH]:
                assert following.wait(60)
    assert threading.get_ident() not in threads and len(threads) == 1


def test_an_error_comes_with_its_own_step():
    def draw(step):
        if step == 2:
            raise ValueError("row 2 is damaged")
        return step

    with Ahead(draw, 5) as batches:
        assert [batches(0), batches(1)] == [0, 1]
        with pytest.raises(ValueError, match="row 2 is damaged"):
            batches(2)


def test_no_more_than_a_few_wait():
    drawn, last = [], threading.Event()

    def draw(step):
        drawn.append(step)
        if step == DEPTH:
            last.set()

    with Ahead(draw, 1000) as batches:
        batches(0)
        assert last.wait(60)
    assert drawn == list(range(1 + DEPTH))


def test_on_the_cpu_a_batch_is_ready_as_it_is():
    values = torch.ones(3)
    assert ready(values, "cpu") is values
