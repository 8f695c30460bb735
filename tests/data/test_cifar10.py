from __future__ import annotations

from pathlib import Path

import pytest

from exemplar.data import cifar10
from exemplar.data.cifar10 import FILES, read_records, stacks
from exemplar.data.image_set_settings import Cifar10Settings
from exemplar.data.inputs import DomainError


@pytest.fixture
def root(tmp_path, monkeypatch) -> Path:
    """Six files of three records; pixel (y, x) of channel c in record n is known by formula."""
    monkeypatch.setattr(cifar10, "RECORDS", 3)
    folder = tmp_path / "r" / "cifar-10-batches-bin"
    folder.mkdir(parents=True)
    for number, name in enumerate(FILES):
        data = bytearray()
        for record in range(3):
            data.append((number * 3 + record) % 10)
            data += bytes(
                value(number, record, channel, y, x)
                for channel in range(3)
                for y in range(32)
                for x in range(32)
            )
        (folder / name).write_bytes(data)
    return tmp_path / "r"


def value(file: int, record: int, channel: int, y: int, x: int) -> int:
    return (file * 41 + record * 17 + channel * 101 + y * 7 + x * 3) % 256


def cifar(root: Path, **given) -> Cifar10Settings:
    return Cifar10Settings.model_validate({"kind": "cifar10", "root": root, **given})


def test_records_become_coloured_images(root):
    made = stacks(cifar(root))
    assert [stack.split for stack in made] == ["train"] * 5 + ["test"]
    assert [stack.first for stack in made] == [0, 3, 6, 9, 12, 0]
    assert made[5].source == "cifar-10-batches-bin/test_batch.bin"
    for number, stack in enumerate(made):
        assert stack.images.shape == (3, 32, 32, 3)
        assert stack.labels is not None
        assert stack.labels.tolist() == [(number * 3 + record) % 10 for record in range(3)]
        for record, channel, y, x in [(0, 0, 0, 0), (1, 2, 31, 4), (2, 1, 5, 30), (2, 0, 31, 31)]:
            assert stack.images[record, y, x, channel] == value(number, record, channel, y, x)


def test_files_may_lie_in_the_root_itself(root):
    train, *_ = stacks(cifar(root / "cifar-10-batches-bin"))
    assert train.source == "data_batch_1.bin"


def test_all_problems_are_told_together(root):
    folder = root / "cifar-10-batches-bin"
    whole = (folder / FILES[0]).read_bytes()
    (folder / FILES[0]).write_bytes(whole[:-1])
    (folder / FILES[1]).write_bytes(whole + whole)
    (folder / FILES[2]).write_bytes(b"\x0b" + whole[1:])
    (folder / FILES[5]).unlink()
    with pytest.raises(DomainError) as caught:
        stacks(cifar(root))
    told = str(caught.value)
    for part in (
        f"{root}: 4 things are wrong:",
        "data_batch_1.bin: cut short: expected 9,219 bytes, found 9,218",
        "data_batch_2.bin: too long: expected 9,219 bytes, found 18,438",
        "data_batch_3.bin: expected labels 0 to 9 at the beginning of each 3,073 bytes, but ",
        "some are 11; is it a file of CIFAR-100, or damaged?",
        "test_batch.bin: cannot be read: No such file",
        "Get the binary version of CIFAR-10 from https://www.cs.toronto.edu/~kriz/cifar.html, ",
        "or set download: true",
    ):
        assert part in told


def test_published_files_have_ten_thousand_records(tmp_path):
    (tmp_path / "x.bin").write_bytes(bytes(3073))
    with pytest.raises(ValueError, match="expected 30,730,000 bytes, found 3,073"):
        read_records(tmp_path / "x.bin")


def test_fetched_if_asked_for(root, monkeypatch):
    asked = []
    monkeypatch.setattr(cifar10, "fetch", lambda *of: asked.append(of))
    stacks(cifar(root, download=True))
    assert not asked
    with pytest.raises(DomainError, match="new: expected CIFAR-10's binary files"):
        stacks(cifar(root / "new", download=True))
    assert asked == [("cifar10", root / "new")]
