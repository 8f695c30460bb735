"""Stage `regressor`: conditions and photographs → models/regressor/<domain>-<condition>."""

from __future__ import annotations

from exemplar.labels.sides import MIRRORED
from exemplar.methods.pixelnn.regressor import (
    RegressorSettings,
    save_regressor,
    train_regressor,
)
from exemplar.settings import load_params, section
from exemplar.store import layout
from exemplar.store.arrays import array, name_list, open_group, working_copy
from exemplar.store.files import workplace
from exemplar.store.items import read_items, rows_of
from stages.arguments import domain_and_condition_of
from stages.ends import run


def main() -> None:
    """Trains f on the training images of a domain."""
    domain, condition = domain_and_condition_of("regressor")
    settings = section(load_params(), "regressor", RegressorSettings)
    photographs = array(open_group(layout.images(domain), "image"), "image")
    group = open_group(layout.conditions(domain), condition)
    classes = name_list(group, "classes") if condition == "labels" else ()
    rows = rows_of(read_items(layout.items(domain)), "train")
    inputs = (layout.images(domain), layout.conditions(domain), layout.items(domain))
    with workplace(
        f"regressor/{domain}-{condition}", *inputs, {"condition": condition}, settings.model_dump()
    ) as folder:
        stored = working_copy(array(group, condition), rows, folder / "stored.npy")
        images = working_copy(photographs, rows, folder / "images.npy")
        regressor = train_regressor(
            stored, images, condition, classes, settings, folder,
            mirrors=group.attrs.get(MIRRORED),  # pyright: ignore[reportArgumentType]
        )  # fmt: skip
        save_regressor(layout.regressor(domain, condition), regressor)


if __name__ == "__main__":
    run(main)
