"""Grown stores equal those built anew, byte for byte, and only what is new is made."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exemplar.store.arrays import StoreError, open_group, shard_file
from exemplar.store.arrays import array as stored_array
from exemplar.store.files import content_hash
from exemplar.store.growth import KEY, open_former, row_keys, taken_over
from exemplar.store.shards import fill_group

SHARD = 4
ARRAYS = {"wide": ((400,), "float32"), "narrow": ((3,), "uint8"), "key": KEY}


def build(path: Path, inputs: list[int], made_by: str = "a") -> list[int]:
    """Makes a store of functions of some numbers; says for which they were computed."""
    computed = []
    former = open_former(path, made_by, ARRAYS)

    def function(numbers: np.ndarray) -> dict[str, np.ndarray]:
        computed.extend(numbers.tolist())
        rows = [np.random.default_rng([n, ord(made_by)]) for n in numbers.tolist()]
        return {
            "wide": np.stack([r.random(400, np.float32) for r in rows]),
            "narrow": np.stack([r.integers(0, 256, 3, np.uint8) for r in rows]),
        }

    def make(part: slice):
        numbers = np.array(inputs[part], np.int64)
        size = min(SHARD, len(inputs))
        return taken_over(former, row_keys(numbers), lambda new: function(numbers[new]), size)

    attributes = {"made_by": made_by}
    fill_group(path, ARRAYS, len(inputs), make, attributes, [inputs], SHARD, ("exemplar/store",))
    return computed


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


numbers = st.lists(st.integers(0, 30), min_size=1, max_size=22)


@settings(max_examples=12)
@given(stores=st.lists(numbers, min_size=2, max_size=3))
def test_whatever_was_there_the_store_is_as_if_built_anew(tmp_path_factory, stores):
    folder = tmp_path_factory.mktemp("growth")
    known: set[int] = set()
    for inputs in stores:
        computed = build(folder / "grown.zarr", inputs)
        assert set(computed) == set(inputs) - known
        known = set(inputs)
    build(folder / "anew.zarr", stores[-1])
    assert content_hash(folder / "grown.zarr") == content_hash(folder / "anew.zarr")


def test_whole_shards_are_taken_over_as_files(tmp_path):
    path = tmp_path / "a.zarr"
    build(path, list(range(10)))
    inodes = [(path / "wide/c" / str(shard) / "0").stat().st_ino for shard in range(3)]
    # One more at the end: the last shard was short, the first two are as before.
    assert build(path, list(range(11))) == [10]
    after = [(path / "wide/c" / str(shard) / "0").stat().st_ino for shard in range(3)]
    assert after[:2] == inodes[:2] and after[2] not in inodes
    # The first shard's images have gone; the second moves to its place.
    assert build(path, list(range(4, 12))) == [11]
    assert (path / "wide/c/0/0").stat().st_ino == inodes[1]


def test_what_others_made_is_not_taken_over(tmp_path):
    path = tmp_path / "a.zarr"
    build(path, [1, 2, 3])
    assert build(path, [1, 2, 3], "b") == [1, 2, 3]
    assert open_former(path, "b", ARRAYS) is not None
    for name, form in (("wide", ((401,), "float32")), ("narrow", ((3,), "int8"))):
        assert open_former(path, "b", {**ARRAYS, name: form}) is None
    assert open_former(path, "b", {**ARRAYS, "more": KEY}) is None
    assert open_former(tmp_path / "none.zarr", "b", ARRAYS) is None


def test_a_damaged_former_store_is_an_error(tmp_path):
    path = tmp_path / "a.zarr"
    build(path, list(range(10)))
    former = open_former(path, "a", ARRAYS)
    assert former is not None
    shard_file(stored_array(former.group, "narrow"), 0).unlink()
    with pytest.raises(StoreError, match=r"narrow/c/0/0: the shard is missing; remove .*a\.zarr"):
        build(path, list(range(11)))
    with pytest.raises(StoreError, match=r"narrow, rows 0 to 3: the shard is missing"):
        build(path, [3, 2, 1, 0])
    shard_file(stored_array(former.group, "key"), 0).unlink()
    with pytest.raises(StoreError, match=r"key, rows 0 to 3: the shard is missing"):
        build(path, [5])


@pytest.mark.parametrize("name", ["wide", "narrow", "key"])
@pytest.mark.parametrize("inputs", [list(range(11)), [5, 4, 3, 2, 1, 0]], ids=["whole", "rows"])
def test_a_flipped_byte_of_a_former_store_is_not_taken_over(tmp_path, name, inputs):
    """Neither with a whole shard that is linked nor with rows that are read."""
    path = tmp_path / "a.zarr"
    build(path, list(range(10)))
    group = open_group(path)
    before = content_hash(path)
    file = shard_file(stored_array(group, name), 0)
    whole = bytearray(file.read_bytes())
    whole[len(whole) // 3] ^= 2
    file.write_bytes(whole)
    with pytest.raises(
        StoreError, match=rf"a\.zarr: {name}, rows \d to \d: damaged.*; remove .*a\.z"
    ):
        build(path, inputs)
    whole[len(whole) // 3] ^= 2
    file.write_bytes(whole)
    assert content_hash(path) == before  # it is still the former one
    # As the message says.
    shutil.rmtree(path)
    build(path, inputs)
    build(tmp_path / "anew.zarr", inputs)
    assert content_hash(path) == content_hash(tmp_path / "anew.zarr")


def test_a_key_is_of_all_inputs_and_their_form():
    x = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)
    y = np.arange(2, dtype=np.float16)
    keys = row_keys(x, y)
    assert keys.shape == (2, 16) and keys.dtype == np.uint8
    np.testing.assert_array_equal(row_keys(x[1:], y[1:]), keys[1:])
    np.testing.assert_array_equal(row_keys(x.transpose(0, 2, 1).copy().transpose(0, 2, 1), y), keys)
    others = [
        row_keys(x, y + 1)[0],
        row_keys(x.reshape(2, 4, 3), y)[0],
        row_keys(x.view(np.int8), y)[0],
        row_keys(x)[0],
        row_keys(y, x)[0],
        keys[1],
        keys[0],
    ]
    assert len({key.tobytes() for key in others}) == len(others)
