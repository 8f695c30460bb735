"""`exemplar export`: a domain's pix2pixHD network as an ONNX file."""

from __future__ import annotations

from pathlib import Path

from exemplar.data.problems import Problems
from exemplar.methods.pix2pixhd.export import ExportError, export
from exemplar.methods.pix2pixhd.model import load_model
from exemplar.methods.pix2pixhd.networks import NETWORKS, Network
from exemplar.methods.pix2pixhd.styles import load_styles
from exemplar.store import layout
from exemplar.store.files import content_hash
from flows.delivery import delivered, tell_replaced
from flows.places import check_places, check_room
from flows.records import Place

SUFFIX = ".onnx"


def export_network(domain: str, path: Path, network: Network = "enhancer") -> list[str]:
    """Writes a network, and says what the file takes and gives.

    Args:
        domain: whose network.
        path: a name ending in `.onnx`; a file of that name is replaced if it was exported, and
            beside it is `<name>.onnx.json`, by which that is known.
        network: which of the domain's.

    Returns:
        Lines for the user.

    Raises:
        ExportError: what was asked for cannot be done, or a file would be lost; every reason is
            listed, and nothing was written.
        WeightsError: a file of the network is damaged.
    """
    problems: Problems = []
    if network not in NETWORKS:
        problems.append(f"--network: expected one of {', '.join(NETWORKS)}, got {network!r}")
    if path.suffix != SUFFIX:
        problems.append(f"--out: expected a name ending in {SUFFIX}, got {path}")
    weights, looks = layout.pix2pixhd(domain, network), layout.pix2pixhd_styles(domain, network)
    problems += [
        f"{file}: no such file; `exemplar reproduce pix2pixhd_styles@{domain}-{network}` makes it, "
        f"once {domain} is in run.layouts of params.yaml"
        for file in (weights, looks)
        if network in NETWORKS and not file.is_file()
    ]
    place = Place(path.parent, f"{path.name}.json", frozenset([path.name]), "export")
    check_places(path.parent, [place], [], problems)
    if path.is_dir():
        problems.append(f"--out {path}: expected a file's name, got a folder; name a file in it")
    sizes = sum(file.stat().st_size for file in (weights, looks) if file.is_file())
    check_room(path.parent, 2 * sizes, problems)
    if problems:
        raise ExportError("\n".join(dict.fromkeys(problems)))
    model = load_model(weights)
    origin = content_hash(weights, looks, [domain, network])
    tell_replaced(place, origin)
    with delivered(place, origin) as folder:
        difference = export(model, load_styles(looks), folder / path.name)
    inputs = "labels (H, W) i64, instances (H, W) i64"
    if model.encoder is not None:
        size = model.encoder.features.out_channels
        inputs += f", objects (H, W) i64, looks (n, {size}) f32"
    return [
        f"{path}: {path.stat().st_size / 1e6:.1f} MB, any height and width",
        f"  takes {inputs}",
        "  gives image (H, W, 3) u8",
        f"  seen to run in ONNX Runtime: {difference:.3f} of 256 levels from the network's image",
    ]
