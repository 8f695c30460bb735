"""A trained generator as an ONNX file: layouts and looks in, images out, in any ONNX runtime.

Below the command line, beside `sampling`, which does the same with the network itself. The file
takes layouts of any size, and names its classes and their styles.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from exemplar.methods.pix2pixhd.encoding import objects_of
from exemplar.methods.pix2pixhd.layouts import IGNORE
from exemplar.methods.pix2pixhd.model import Pix2pixHD
from exemplar.methods.pix2pixhd.sampling import Looks, drawn_looks, synthesise
from exemplar.methods.pix2pixhd.styles import Styles
from exemplar.store.files import written

MAPS = ("labels", "instances", "objects")
"""Inputs (H, W) i64."""
LEVELS_APART = 2
"""Of 256: by how much an exported network's pixel may differ, as sums have another order."""


class ExportError(RuntimeError):
    """A network cannot be exported, or what was exported does not do the same."""


class Portable(nn.Module):
    """A model as it is exported: one layout at a time, nothing that a file cannot hold.

    Args:
        model: in evaluation mode, on the CPU.
    """

    def __init__(self, model: Pix2pixHD) -> None:
        super().__init__()
        self.generator = model.generator
        self.classes = len(model.classes)

    def forward(
        self,
        labels: Tensor,
        instances: Tensor,
        objects: Tensor | None = None,
        looks: Tensor | None = None,
    ) -> Tensor:
        """The image of a layout.

        Args:
            labels: (H, W) i64 below the number of classes, or `IGNORE`.
            instances: (H, W) i64.
            objects: (H, W) i64 below n, each pixel's row in looks; of a model with an encoder.
            looks: (n, F) float32, the objects' features.

        Returns:
            (H, W, 3) u8.
        """
        channels = torch.arange(self.classes)[:, None, None]
        parts = [(labels == channels).float(), edges(instances)[None]]
        if objects is not None and looks is not None:
            height, width = objects.shape
            pixels = looks.index_select(0, objects.reshape(-1))
            parts.append(pixels.reshape(height, width, looks.shape[1]).permute(2, 0, 1))
        image = self.generator(torch.cat(parts)[None])[0]
        levels = ((image + 1) * 127.5).round().clamp(0, 255)
        return levels.permute(1, 2, 0).to(torch.uint8)


def edges(instances: Tensor) -> Tensor:
    """`encoding.boundaries` without writing in place: (H, W) i64 to (H, W) float32."""
    across = (instances[:, 1:] != instances[:, :-1]).float()
    down = (instances[1:] != instances[:-1]).float()
    x = torch.maximum(functional.pad(across, [1, 0, 0, 0]), functional.pad(across, [0, 1, 0, 0]))
    y = torch.maximum(functional.pad(down, [0, 0, 1, 0]), functional.pad(down, [0, 0, 0, 1]))
    return torch.maximum(x, y)


def inputs_of(
    model: Pix2pixHD, labels: np.ndarray, instances: np.ndarray, looks: np.ndarray | None
) -> dict[str, np.ndarray]:
    """What an exported network is given, by name.

    Args:
        model: that was exported.
        labels: (H, W) u8.
        instances: (H, W) integers.
        looks: (n, F) float32 of `objects_of` the layout; None without an encoder.
    """
    given = {"labels": labels.astype(np.int64), "instances": instances.astype(np.int64)}
    if model.encoder is not None and looks is not None:
        given |= {"objects": objects_of(labels, instances).index, "looks": looks}
    return given


def export(model: Pix2pixHD, styles: Styles, path: Path) -> float:
    """Writes a model as ONNX, once a runtime has been seen to make the same images with it.

    The file's metadata are `classes`, a list of their names; `styles`, by class number a list of
    features that an object of the class can have; and `ignore`, the label of no class; all JSON.

    Args:
        model: any.
        styles: of its encoder.
        path: to be written.

    Returns:
        The mean absolute difference of an image by ONNX Runtime and by the model, in levels of
        256; of another size than the one it was exported with.

    Raises:
        ExportError: packages are missing, the network cannot be exported, or images differ.
    """
    _require_packages()
    model = copy.copy(model.cpu().eval())
    model.precision = "float32"  # a file's own; a runtime may have others
    with written(path) as partial:
        _write(model, styles, partial)
        differences = compare(model, styles, partial)
        if differences.max() > LEVELS_APART:
            raise ExportError(
                f"{path.name}: not written: ONNX Runtime's image differs by {differences.max()} of "
                f"256 levels, expected at most {LEVELS_APART}; try other versions of onnxscript "
                "and onnxruntime"
            )
    return float(differences.mean())


def compare(model: Pix2pixHD, styles: Styles, path: Path) -> np.ndarray:
    """How an exported network's image differs from the model's, on a layout made up of blocks.

    Returns:
        (H, W, 3), absolute differences in levels of 256.
    """
    import onnxruntime

    labels, instances, looks = _layout(model, styles, 3, 5)
    objects = objects_of(labels, instances)
    ours = synthesise(model, labels, objects, looks)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    (theirs,) = session.run(None, dict(inputs_of(model, labels, instances, looks.features)))
    return np.abs(ours.astype(int) - np.asarray(theirs).astype(int))


def _write(model: Pix2pixHD, styles: Styles, path: Path) -> None:
    labels, instances, looks = _layout(model, styles, 4, 3)
    given = inputs_of(model, labels, instances, looks.features)
    sides = {0: torch.export.Dim.DYNAMIC, 1: torch.export.Dim.DYNAMIC}
    shapes = {name: sides if name in MAPS else {0: torch.export.Dim.DYNAMIC} for name in given}
    try:
        program = torch.onnx.export(
            Portable(model).eval(),
            kwargs={name: torch.from_numpy(values) for name, values in given.items()},
            input_names=list(given),
            output_names=["image"],
            dynamic_shapes=shapes,
            dynamo=True,
            verbose=False,
        )
    except torch.onnx.errors.OnnxExporterError as error:
        first = str(error).splitlines()[0]
        raise ExportError(f"the network cannot be exported: {first}") from error
    assert program is not None
    program.model.metadata_props.update(_metadata(model, styles))
    program.save(path)


def _metadata(model: Pix2pixHD, styles: Styles) -> Mapping[str, str]:
    of_classes = {label: styles.of(label).tolist() for label in np.unique(styles.labels).tolist()}
    return {
        "classes": json.dumps(model.classes),
        "styles": json.dumps(of_classes),
        "ignore": json.dumps(IGNORE),
    }


def _layout(
    model: Pix2pixHD, styles: Styles, rows: int, columns: int
) -> tuple[np.ndarray, np.ndarray, Looks]:
    """Blocks of all classes and some that are ignored, of a size that nothing divides."""
    blocks = np.arange(rows * columns).reshape(rows, columns)
    instances = blocks.repeat(11, 0).repeat(13, 1)
    labels = (instances % (len(model.classes) + 1)).astype(np.uint8)
    labels[labels == len(model.classes)] = IGNORE
    looks = drawn_looks(objects_of(labels, instances), styles)
    return labels, instances, looks


def _require_packages() -> None:
    missing = []
    for name in ("onnx", "onnxscript", "onnxruntime"):
        try:
            __import__(name)
        except ImportError:
            missing.append(name)
    if missing:
        raise ExportError(
            f"export needs the packages {', '.join(missing)}; install them: "
            "pip install 'exemplar[export]'"
        )
