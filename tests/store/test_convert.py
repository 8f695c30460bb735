from __future__ import annotations

from collections import OrderedDict
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from exemplar.store.convert import converted, read_state, state_hash
from exemplar.store.weights import WeightsError

SHARED = Path(__file__).resolve().parents[2] / ".." / "shared" / "data" / "weights"

STATE = {"a.weight": torch.arange(6.0).view(2, 3), "a.steps": torch.tensor(7)}


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(
    "content",
    [
        STATE,
        OrderedDict(STATE),
        {"epoch": 3, "state_dict": {f"module.{name}": value for name, value in STATE.items()}},
        {"model": STATE, "optimizer": {"lr": 0.1}},
        {name: torch.nn.Parameter(value.float()) for name, value in STATE.items()},
    ],
    ids=["plain", "ordered", "wrapped", "beside", "parameters"],
)
def test_every_usual_form_is_read(content: Any) -> None:
    torch.save(content, "some.pth")
    state = read_state("some.pth")
    assert state.keys() == STATE.keys()
    for name, value in STATE.items():
        assert torch.equal(state[name], value.to(state[name].dtype))
        assert not state[name].requires_grad


def test_conversion_happens_once_and_leaves_the_file_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch.save(STATE, "some.pth")
    before = Path("some.pth").read_bytes()
    copy = converted("some.pth")
    assert copy.parent == Path(".work/converted")
    assert Path("some.pth").read_bytes() == before
    monkeypatch.setattr(torch, "load", lambda *a, **k: pytest.fail("read a second time"))
    assert converted("some.pth") == copy
    assert [p.name for p in tmp_path.iterdir() if p.name != ".work"] == ["some.pth"]
    assert torch.equal(read_state("some.pth")["a.weight"], STATE["a.weight"])


def test_tensors_that_share_memory_are_kept_apart() -> None:
    both = torch.arange(8.0)
    torch.save({"left": both[:4], "right": both[2:], "turned": both.view(2, 4).T}, "some.pth")
    state = read_state("some.pth")
    assert state["right"].tolist() == [2, 3, 4, 5, 6, 7]
    assert torch.equal(state["turned"], both.view(2, 4).T)


def test_the_hash_names_tensors_not_files() -> None:
    torch.save({"state_dict": STATE}, "a.pth")
    save_file(dict(reversed(STATE.items())), "b.safetensors", metadata={"format": "pt"})
    assert state_hash(read_state("a.pth")) == state_hash(read_state("b.safetensors"))
    changed = STATE | {"a.steps": torch.tensor(8)}
    reshaped = STATE | {"a.weight": STATE["a.weight"].view(3, 2)}
    halved = STATE | {"a.weight": STATE["a.weight"].bfloat16()}
    assert len({state_hash(s) for s in (STATE, changed, reshaped, halved)}) == 4


class Mischief:
    """Its unpickling would leave a mark."""

    def __reduce__(self) -> tuple[Any, ...]:
        return Path("mark").touch, ()


def test_nothing_is_unpickled() -> None:
    torch.save({"state_dict": STATE, "extra": Mischief()}, "some.pth")
    with pytest.raises(WeightsError, match=r"some\.pth: not a file of tensors alone.*save_file"):
        read_state("some.pth")
    torch.save(torch.nn.Linear(2, 2), "network.pt")
    with pytest.raises(WeightsError, match=r"network\.pt: not a file of tensors alone"):
        read_state("network.pt")
    assert not Path("mark").exists()
    assert not Path(".work/converted").exists()


def test_other_files_are_refused() -> None:
    with pytest.raises(WeightsError, match=r"none\.pth: no such weights file; check the path"):
        read_state("none.pth")
    Path("some.h5").write_bytes(b"x")
    with pytest.raises(
        WeightsError, match=r"some\.h5: expected weights as \.safetensors or .* \.h5"
    ):
        read_state("some.h5")
    Path("cut.safetensors").write_bytes(b"12345")
    with pytest.raises(WeightsError, match=r"cut\.safetensors: damaged"):
        read_state("cut.safetensors")
    torch.save(STATE, "whole.pth")
    Path("cut.pth").write_bytes(Path("whole.pth").read_bytes()[:200])
    with pytest.raises(WeightsError, match=r"cut\.pth: "):
        read_state("cut.pth")
    torch.save({"weights": [1, 2]}, "lists.pth")
    with pytest.raises(
        WeightsError, match=r"names and tensors, at the top or under .* keys weights"
    ):
        read_state("lists.pth")
    torch.save(STATE["a.weight"], "tensor.pth")
    with pytest.raises(WeightsError, match="found Tensor"):
        read_state("tensor.pth")


def test_real_files_convert() -> None:
    if not SHARED.is_dir():
        pytest.skip("needs ../shared/data/weights")
    for name in ("vgg19_normalised/vgg_normalised_conv3_1.pth", "pidinet/table5_pidinet-tiny.pth"):
        state = read_state(SHARED / name)
        assert all(bool(value.isfinite().all()) for value in state.values())
        assert not any(key.startswith("module.") for key in state)
