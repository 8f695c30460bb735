from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import kstest

from exemplar.methods.glann.codes import Codes, first_codes, read_codes, write_codes
from exemplar.store.weights import WeightsError

IDS = [f"image-{number}" for number in range(12)]


def codes_of(folder, ids=IDS, **more):
    codes = Codes(folder / "codes", ids, 5, 3, **more)
    codes.begin(0)
    return codes


def gradient_at(step, rows):
    generator = torch.Generator().manual_seed(step)
    return torch.randn(len(rows), 5, generator=generator)


def train(codes, steps, every, first=0):
    """Steps of a made-up training, with a checkpoint's journal every so often."""
    for step in range(first, steps):
        rows = np.random.default_rng(step).permutation(len(codes))[:4]
        codes.descend(rows, gradient_at(step, rows), 0.05)
        if (step + 1) % every == 0:
            codes.begin(step + 1)
    return np.array(codes.code)


def test_codes_are_on_the_sphere_and_known_by_the_image_alone():
    codes = first_codes(IDS, 5, 3)
    assert np.allclose(np.linalg.norm(codes, axis=1), 1, atol=1e-6)
    assert np.array_equal(codes[[4, 2]], first_codes([IDS[4], IDS[2]], 5, 3))
    assert not np.allclose(codes[0], codes[1])
    assert not np.allclose(codes[0], first_codes(IDS[:1], 5, 4)[0])


def test_first_directions_are_uniform():
    codes = first_codes([str(number) for number in range(4000)], 3, 0)
    # On the sphere in three dimensions each coordinate is uniform (Archimedes).
    for axis in range(3):
        assert kstest(codes[:, axis], "uniform", args=(-1, 2)).pvalue > 1e-3


def test_a_step_is_adams_and_ends_on_the_sphere(tmp_path):
    codes = codes_of(tmp_path)
    rows = np.array([7, 2, 5])
    weight = torch.nn.Parameter(torch.from_numpy(codes.code[rows].copy()))
    adam = torch.optim.Adam([weight], 0.03, betas=(0.5, 0.999))
    for step in range(4):
        weight.grad = gradient_at(step, rows)
        adam.step()
        with torch.no_grad():
            weight.div_(weight.norm(dim=1, keepdim=True))
        codes.descend(rows, gradient_at(step, rows), 0.03)
        assert np.allclose(codes.code[rows], weight.detach().numpy(), atol=1e-6)


def test_a_step_touches_the_batch_alone(tmp_path):
    codes = codes_of(tmp_path)
    before = {name: np.array(getattr(codes, name)) for name in ("code", "mean", "square", "steps")}
    rows = np.array([1, 8])
    codes.descend(rows, gradient_at(0, rows), 0.05)
    for name, old in before.items():
        changed = (getattr(codes, name) != old).reshape(len(IDS), -1).any(1)
        assert changed.nonzero()[0].tolist() == [1, 8]


def test_gradients_reach_what_was_gathered(tmp_path):
    codes = codes_of(tmp_path)
    some = codes.gather(np.array([3, 0]))
    (some * torch.arange(10.0).view(2, 5)).sum().backward()
    assert some.grad.tolist() == torch.arange(10.0).view(2, 5).tolist()
    assert np.array_equal(some.detach().numpy(), codes.code[[3, 0]])


@given(stopped=st.integers(0, 23), every=st.integers(1, 9))
def test_killed_at_any_step_it_goes_on_from_the_checkpoint(tmp_path_factory, stopped, every):
    whole = train(codes_of(tmp_path_factory.mktemp("whole")), 23, every)
    folder = tmp_path_factory.mktemp("killed")
    train(codes_of(folder), stopped, every)
    last = stopped // every * every
    again = codes_of(folder)
    again.roll_back(last)
    assert np.array_equal(train(again, 23, every, last), whole)


def test_of_two_checkpoints_the_earlier_one_can_be_gone_on_from(tmp_path):
    whole = train(codes_of(tmp_path / "whole"), 20, 4)
    train(codes_of(tmp_path), 18, 4)
    again = codes_of(tmp_path)
    again.roll_back(12)
    assert np.array_equal(train(again, 20, 4, 12), whole)


def test_an_entry_cut_short_is_of_rows_that_were_not_touched(tmp_path):
    codes = codes_of(tmp_path)
    train(codes, 3, 100)
    kept = np.array(codes.code)
    whole = codes.journal.read_bytes()
    with codes.journal.open("ab") as file:
        file.write(whole[: len(whole) // 3 - 1])
    again = codes_of(tmp_path)
    assert np.array_equal(again.code, kept)
    again.roll_back(0)
    assert np.array_equal(again.code, first_codes(IDS, 5, 3))


def test_killed_while_rows_are_written_they_are_put_back(tmp_path):
    codes = codes_of(tmp_path)
    train(codes, 2, 100)
    kept = {name: np.array(getattr(codes, name)) for name in ("code", "mean", "square", "steps")}
    codes.begin(2)
    rows = np.array([0, 1, 2, 3])
    codes.descend(rows, gradient_at(9, rows), 0.05)
    codes.mean[1] = 99  # half-done
    again = codes_of(tmp_path)
    again.roll_back(2)
    for name, old in kept.items():
        assert np.array_equal(getattr(again, name), old)


def test_journals_of_old_checkpoints_are_removed(tmp_path):
    codes = codes_of(tmp_path)
    train(codes, 40, 4)
    names = sorted(path.name for path in codes.folder.glob("journal-*"))
    assert names == ["journal-000000036", "journal-000000040"]


def test_other_codes_to_begin_with_are_brought_to_the_sphere_and_asked_for_once(tmp_path):
    given = np.random.default_rng(0).standard_normal((12, 5)).astype(np.float32)
    made = []

    def start():
        made.append(True)
        return lambda part: given[part]

    wanted = given / np.linalg.norm(given, axis=1, keepdims=True)
    for _ in range(2):
        assert np.allclose(codes_of(tmp_path, start=start).code, wanted, atol=1e-6)
    assert made == [True]


def test_processes_with_rows_of_their_own_do_what_one_does(tmp_path):
    whole, parts = codes_of(tmp_path / "whole"), []
    for rank in range(2):
        parts.append(codes_of(tmp_path / "parts", rank=rank))
    for step in range(9):
        rows = np.random.default_rng(step).permutation(12)[:6]
        gradient = gradient_at(step, rows)
        whole.descend(rows, gradient, 0.05)
        for rank, part in enumerate(parts):
            half = slice(3 * rank, 3 * rank + 3)
            part.descend(rows[half], gradient[half], 0.05)
        if step == 4:
            for part in parts:
                part.begin(5)
            kept = np.array(whole.code)
    assert np.array_equal(codes_of(tmp_path / "parts").code, whole.code)
    again = codes_of(tmp_path / "parts")
    again.roll_back(5)  # what either process did
    assert np.array_equal(again.code, kept)


def test_files_keep_each_image_with_its_code(tmp_path):
    codes = first_codes(IDS, 5, 3)
    write_codes(tmp_path / "c.parquet", IDS, codes)
    ids, found = read_codes(tmp_path / "c.parquet")
    assert ids == IDS and np.array_equal(found, codes) and found.dtype == np.float32


def test_bad_files(tmp_path):
    with pytest.raises(WeightsError, match="no such file; run `exemplar reproduce glo`"):
        read_codes(tmp_path / "none.parquet")
    (tmp_path / "bad.parquet").write_bytes(b"nothing of the kind")
    with pytest.raises(WeightsError, match="damaged"):
        read_codes(tmp_path / "bad.parquet")
    write_codes(tmp_path / "c.parquet", IDS, first_codes(IDS, 5, 3))
    data = (tmp_path / "c.parquet").read_bytes()
    (tmp_path / "c.parquet").write_bytes(data[: len(data) // 2])
    with pytest.raises(WeightsError, match="damaged"):
        read_codes(tmp_path / "c.parquet")


def test_bad_images(tmp_path):
    with pytest.raises(ValueError, match="each image's id once"):
        Codes(tmp_path / "a", ["x", "x"], 5, 0)
    with pytest.raises(WeightsError, match=r"expected 5 values of each image, got \(4,\)"):
        codes_of(tmp_path, start=lambda: lambda part: np.ones((part.stop - part.start, 4)))
    codes_of(tmp_path)
    with pytest.raises(RuntimeError, match="expected `begin`"):
        Codes(tmp_path / "c", IDS, 5, 0).descend(np.array([0]), torch.zeros(1, 5), 0.1)
    with pytest.raises(WeightsError, match="codes of other images"):
        codes_of(tmp_path, IDS[1:])
