"""Stage `estimators`: data/rendered → models/estimators.safetensors."""

from __future__ import annotations

from exemplar.estimators import EstimatorsSettings, save_estimators, train_estimators
from exemplar.settings import load_params, section
from exemplar.store import layout
from exemplar.store.arrays import array, name_list, open_group, working_copy
from exemplar.store.files import workplace
from exemplar.store.items import read_items, rows_of
from stages.ends import run

DOMAIN = "rendered"
ARRAYS = ("image", "normals", "labels", "edges")


def main() -> None:
    """Trains on the domain whose geometry is exact."""
    settings = section(load_params(), "estimators", EstimatorsSettings)
    group = open_group(layout.images(DOMAIN), *ARRAYS)
    rows = rows_of(read_items(layout.items(DOMAIN)), "train")
    parts = name_list(group, "classes")
    inputs = (layout.images(DOMAIN), layout.items(DOMAIN), settings.model_dump())
    with workplace("estimators", *inputs) as folder:
        truth = {n: working_copy(array(group, n), rows, folder / f"{n}.npy") for n in ARRAYS}
        network = train_estimators(truth, parts, settings, folder)
        save_estimators(layout.ESTIMATORS, network, parts, settings, DOMAIN)


if __name__ == "__main__":
    run(main)
