import json
from pathlib import Path

import pytest
import torch

from exemplar.methods.pix2pixhd.model import NetworkSettings, grown, load_model, save_model
from exemplar.store.weights import WeightsError
from tests.methods.pix2pixhd import tiny


def test_what_was_learned_is_kept_when_a_model_grows() -> None:
    small = tiny.model(1)
    large = grown(small)
    assert large.level == 2 and len(large.generator.enhancers) == 2
    assert len(large.discriminators.scales) == 3
    state = large.generator.state_dict()
    for name, value in small.generator.state_dict().items():
        assert torch.equal(state[name], value)
    x = torch.rand(1, 7, 16, 16)[:, : 3 + 1 + 3]
    half = torch.nn.functional.avg_pool2d(x, 3, 2, 1, count_include_pad=False)
    for ours, theirs in zip(large.discriminators(x)[1:], small.discriminators(half), strict=True):
        for a, b in zip(ours, theirs, strict=True):
            torch.testing.assert_close(a, b)
    with pytest.raises(ValueError, match="level from 0 to 2, the enhancers, got 3"):
        grown(large)


@pytest.mark.parametrize("encoder", [True, False])
def test_a_model_comes_back_from_its_file(tmp_path: Path, encoder: bool) -> None:
    network = tiny.NETWORK if encoder else tiny.NETWORK.model_copy(update={"encoder": None})
    model = tiny.model(1, network=network).eval()
    save_model(tmp_path / "m.safetensors", model)
    again = load_model(tmp_path / "m.safetensors")
    labels = torch.randint(0, 3, (2, 9, 13))
    features = torch.rand(2, 2, 9, 13) if encoder else None
    with torch.no_grad():
        assert torch.equal(again(labels, labels, features), model(labels, labels, features))
    assert (again.level, again.classes, again.settings) == (1, tiny.CLASSES, network)
    assert not again.training


def test_another_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "m.safetensors"
    save_model(path, tiny.model())
    config = json.loads(path.with_suffix(".json").read_text())
    path.with_suffix(".json").write_text(json.dumps(config | {"level": 1}))
    with pytest.raises(WeightsError, match=r"do not fit[\s\S]*missing discriminators.scales.1"):
        load_model(path)
    path.with_suffix(".json").write_text(json.dumps(config | {"network": {"wide": 3}}))
    with pytest.raises(WeightsError, match="not a pix2pixHD model"):
        load_model(path)


def test_three_discriminators_at_the_published_size() -> None:
    from exemplar.methods.pix2pixhd.model import Pix2pixHD

    with torch.device("meta"):
        assert len(Pix2pixHD(NetworkSettings(), ("a",), 1).discriminators.scales) == 3
