"""Rows of a store kept on a device once they have been read.

Queries come back to the same exemplars; reading one from a shard takes as long as matching it
approximately. What is kept never exceeds a budget, so memory does not grow with the library.
"""

from __future__ import annotations

from collections import OrderedDict

import numpy as np
import torch
import zarr
from torch import Tensor

from exemplar.store.arrays import read_rows


class Resident:
    """The rows of an array, on a device; those not used for longest make room for new ones.

    Attributes:
        source: the array, (N, …).
        device: where rows are wanted.
        budget: bytes that may be kept; 0 keeps none.
    """

    def __init__(
        self, source: zarr.Array, device: torch.device | str = "cpu", budget: int = 0
    ) -> None:
        self.source = source
        self.device = torch.device(device)
        self.budget = budget
        self._kept: OrderedDict[int, Tensor] = OrderedDict()

    def rows(self, rows: np.ndarray) -> Tensor:
        """Some rows, those that are not kept read as contiguous slices.

        Args:
            rows: (R,) in any order; repeats are allowed.

        Returns:
            (R, …), of the array's dtype, on the device.

        Raises:
            StoreError: a row is out of range, or its shard is missing or damaged.
        """
        wanted = [int(row) for row in rows]
        missing = sorted({row for row in wanted if row not in self._kept})
        fresh: dict[int, Tensor] = {}
        if missing:
            read = torch.from_numpy(read_rows(self.source, missing)).to(self.device)
            # Copies: a view would keep the whole of what was read.
            fresh = {row: read[place].clone() for place, row in enumerate(missing)}
        found = torch.stack([fresh[row] if row in fresh else self._kept[row] for row in wanted])
        for row in wanted:
            self._kept[row] = fresh.get(row, self._kept.get(row, found[0]))
            self._kept.move_to_end(row)
        while self._kept and len(self._kept) * row_bytes(self.source) > self.budget:
            self._kept.popitem(last=False)
        return found


def row_bytes(source: zarr.Array) -> int:
    """The bytes of one row in memory."""
    return source.dtype.itemsize * int(np.prod(source.shape[1:]))
