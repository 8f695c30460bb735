"""Flow files (`.flo`): where each pixel of one image goes in another, as a displacement.

The layout is Middlebury's: the float32 202021.25, int32 width, int32 height, then row by row the
float32 pairs (x, y) of all pixels, little-endian throughout. Components beyond 1e9 mean unknown.
Source: Baker et al., A Database and Evaluation Methodology for Optical Flow, 2011.
"""

from __future__ import annotations

import lzma
import struct
from pathlib import Path
from typing import BinaryIO

import numpy as np

from exemplar.store.files import written

TAG = 202021.25
"""What a file begins with; its bytes read PIEH."""
UNKNOWN = 1e10
"""What is written where the flow is not known."""

_LIMIT = 1e9
_HEADER = struct.Struct("<fii")
_LONGEST = 99_999  # pixels a side: more is a damaged header, not an image


class FlowError(ValueError):
    """A file is no flow, is damaged, or does not fit its image."""


def read_flow(path: Path | str, size: tuple[int, int] | None = None) -> np.ndarray:
    """Reads a flow file, plain or compressed by xz.

    Args:
        path: a file ending in `.flo` or `.flo.xz`.
        size: height and width that it must have, if they are known.

    Returns:
        (H, W, 2) float32: x (to the right) and y (downwards) in pixels; both NaN where unknown.

    Raises:
        FlowError: the file is missing, is no flow, is too short or too long, or has another size.
    """
    path = Path(path)
    try:
        with lzma.open(path) if path.suffix == ".xz" else path.open("rb") as file:
            flow = _read(file, path, size)
    except FileNotFoundError:
        raise FlowError(f"{path}: expected a flow file, but there is none") from None
    except (lzma.LZMAError, EOFError) as error:
        raise FlowError(f"{path}: damaged ({error}); copy it anew") from error
    # Written so that NaN, which some files hold for unknown, is found, too.
    known = (np.abs(flow) <= _LIMIT).all(-1)
    flow[~known] = np.nan
    return flow


def write_flow(path: Path | str, flow: np.ndarray) -> None:
    """Writes a flow file.

    Args:
        path: a file ending in `.flo`; it is compressed if it ends in `.flo.xz`.
        flow: (H, W, 2) of real numbers: x and y in pixels, NaN where unknown.

    Raises:
        FlowError: the array has another shape, or displacements that mean unknown in a file.
    """
    path, flow = Path(path), np.asarray(flow)
    if flow.ndim != 3 or flow.shape[2] != 2 or not flow.size or flow.dtype.kind not in "fiu":
        raise FlowError(
            f"{path}: expected a flow (H, W, 2) of real numbers, got {flow.dtype} {flow.shape}"
        )
    flow = flow.astype("<f4")
    if (np.abs(flow) > _LIMIT).any():
        raise FlowError(
            f"{path}: expected displacements of at most {_LIMIT:g} pixels, NaN where they are "
            f"unknown, got {np.nanmax(np.abs(flow)):g}"
        )
    flow[np.isnan(flow).any(-1)] = UNKNOWN
    height, width = flow.shape[:2]
    content = _HEADER.pack(TAG, width, height) + flow.tobytes()
    with written(path) as partial:
        partial.write_bytes(lzma.compress(content) if path.suffix == ".xz" else content)


def flow_of(field: np.ndarray) -> np.ndarray:
    """The displacements of a field of places.

    Args:
        field: (H, W, 2) rows and columns in another image.

    Returns:
        (H, W, 2) float32: x and y, each pixel's place less its own.

    >>> flow_of(np.array([[[0, 1], [2, 1]]]))
    array([[[1., 0.],
            [0., 2.]]], dtype=float32)
    """
    return (np.asarray(field) - _own(field.shape))[..., ::-1].astype(np.float32)


def field_of(flow: np.ndarray) -> np.ndarray:
    """The places that displacements lead to: the inverse of `flow_of`.

    Args:
        flow: (H, W, 2): x and y in pixels; NaN where unknown.

    Returns:
        (H, W, 2) float64 rows and columns, between pixels where the flow is, NaN where unknown.
    """
    return _own(flow.shape) + np.asarray(flow, np.float64)[..., ::-1]


def _own(shape: tuple[int, ...]) -> np.ndarray:
    """Every pixel's own row and column (H, W, 2) int64."""
    return np.moveaxis(np.indices(shape[:2]), 0, -1)


def _read(file: BinaryIO | lzma.LZMAFile, path: Path, size: tuple[int, int] | None) -> np.ndarray:
    """The pairs as they are stored, (H, W, 2) float32."""
    header = file.read(_HEADER.size)
    tag, width, height = _HEADER.unpack(header) if len(header) == _HEADER.size else (0, 0, 0)
    if tag != TAG:
        raise FlowError(
            f"{path}: expected a Middlebury flow file, which begins with the four bytes PIEH, got "
            f"{header[:4]!r}"
        )
    if not (0 < width <= _LONGEST and 0 < height <= _LONGEST):
        raise FlowError(
            f"{path}: expected a width and a height of 1 to {_LONGEST:,} pixels, got {width} × "
            f"{height}; the file is damaged"
        )
    if size is not None and (height, width) != tuple(size):
        raise FlowError(
            f"{path}: expected the size of its image, {size[1]} × {size[0]} pixels, got {width} × "
            f"{height}"
        )
    wanted = 8 * width * height
    values = file.read(wanted)
    if len(values) < wanted or file.read(1):
        got = f"{len(values):,}" if len(values) < wanted else "more"
        raise FlowError(
            f"{path}: expected {wanted:,} bytes of {width} × {height} pixels after the header, got "
            f"{got}; the file is damaged"
        )
    return np.frombuffer(values, "<f4").reshape(height, width, 2).astype(np.float32)
