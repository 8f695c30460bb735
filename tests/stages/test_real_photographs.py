"""The whole way for photographs: extracted edges, and labels given or seen. Minutes long."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from exemplar.store.arrays import array, name_list, open_group
from tests.stages.pipeline import PARAMS, run_pipeline

pytestmark = pytest.mark.slow


def test_pets_and_facades_by_edges_and_labels(shared, tmp_path):
    few = {"train": 14, "val": 1, "test": 2}
    domains = {
        "pets": {
            "kind": "pets",
            "root": str(shared / "data/oxford-pets"),
            "boxes": "annotations/head_boxes.csv",
            "limit": few,
        },
        "facades": {
            "kind": "pairs",
            "root": str(shared / "data/facades"),
            "photo": "left",
            "condition": "labels",
            "classes": "facades",
            "limit": few,
        },
    }
    params = PARAMS | {
        "run": {"domains": ["rendered", *domains], "conditions": ["edges", "labels"]},
        "domains": PARAMS["domains"] | domains,
        "prepare": PARAMS["prepare"] | {"rejected_limit": 0.1},
    }
    run_pipeline(tmp_path, params)
    table = pd.read_csv(tmp_path / "reports/tables/pixelnn.csv")
    found = set(zip(table["domain"], table["condition"], strict=True))
    assert found == {(d, c) for d in ("rendered", *domains) for c in ("edges", "labels")}
    assert (table[table["domain"] != "rendered"]["method"] != "chance").all()
    given = open_group(tmp_path / "data/facades/images.zarr", "labels")
    used = open_group(tmp_path / "data/facades/conditions.zarr", "labels")
    assert len(name_list(used, "classes")) == 12
    np.testing.assert_array_equal(array(used, "labels")[:], array(given, "labels")[:])
