"""`exemplar export`: a network is written, or it is said what is missing."""

from __future__ import annotations

from pathlib import Path

import pytest

from exemplar.methods.pix2pixhd.model import save_model
from exemplar.methods.pix2pixhd.styles import NO_STYLES, save_styles
from exemplar.store import layout
from flows import export as module
from flows.cli import main
from tests.methods.pix2pixhd import tiny


@pytest.fixture
def domain(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    save_model(layout.pix2pixhd("boxes", "enhancer"), tiny.model(2))
    save_styles(layout.pix2pixhd_styles("boxes", "enhancer"), NO_STYLES, {})
    return "boxes"


def test_a_network_is_written_and_described(domain, monkeypatch, capsys):
    def export(model, styles, path):
        assert (model.level, len(styles.labels)) == (2, 0)
        path.write_bytes(bytes(3_000_000))
        return 0.0312

    monkeypatch.setattr(module, "export", export)
    assert main(["export", domain, "--out", "net.onnx"]) == 0
    said = capsys.readouterr().out
    assert "net.onnx: 3.0 MB, any height and width" in said
    assert "objects (H, W) i64, looks (n, 2) f32" in said and "0.031 of 256 levels" in said
    assert Path("net.onnx").is_file()


def test_all_that_is_wrong_is_said_at_once(domain, capsys):
    assert main(["export", "faces", "--out", "net.txt", "--network", "unet"]) == 1
    said = capsys.readouterr().err
    assert "--out: expected a name ending in .onnx, got net.txt" in said
    assert (
        "faces-unet.safetensors: no such file; `exemplar reproduce pix2pixhd_styles@faces-" in said
    )
    assert "faces-unet-styles.safetensors" in said
    assert main(["export", domain, "--out", "net.onnx", "--network", "large"]) == 1
    said = capsys.readouterr().err
    assert "--network: expected one of global, unet, one, enhancer, got 'large'" in said
    assert not Path("net.onnx").exists()


def test_only_what_was_exported_is_replaced(domain, monkeypatch, capsys):
    def export(model, styles, path):
        path.write_bytes(b"network")
        return 0.0

    monkeypatch.setattr(module, "export", export)
    for _ in range(2):
        assert main(["export", domain, "--out", "nets/net.onnx"]) == 0
    assert sorted(path.name for path in Path("nets").iterdir()) == ["net.onnx", "net.onnx.json"]
    Path("nets/net.onnx").write_bytes(b"mine")
    Path("nets/other.onnx").write_bytes(b"mine")
    Path("nets/folder.onnx").mkdir()
    Path("file").touch()
    monkeypatch.setattr(module, "export", lambda *given: pytest.fail("a network was exported"))
    for out, said in {
        "nets/net.onnx": "nets: has net.onnx, changed since this command wrote it",
        "nets/other.onnx": "nets: has other.onnx, which this command would replace but did not",
        "nets/folder.onnx": "--out nets/folder.onnx: expected a file's name, got a folder",
        "file/net.onnx": "--out file: expected a folder, but file is none",
        "/proc/net.onnx": "this folder cannot be written to",
        "n" * 250 + ".onnx": "a name of more than 255 bytes",
    }.items():
        assert main(["export", domain, "--out", out]) == 1
        assert said in capsys.readouterr().err
    assert Path("nets/net.onnx").read_bytes() == Path("nets/other.onnx").read_bytes() == b"mine"
