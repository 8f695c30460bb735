"""Stage `features`: conditions and regressor → features/<domain>-<condition>.zarr."""

from __future__ import annotations

import numpy as np
import torch

from exemplar.features.backbone import load_backbone
from exemplar.features.projection import save_projection
from exemplar.methods.pixelnn.describe import (
    FeaturesSettings,
    describe_images,
    learn_projection,
)
from exemplar.methods.pixelnn.regressor import load_regressor
from exemplar.settings import load_params, section
from exemplar.store import layout
from exemplar.store.arrays import array, fill_group, open_group, read_rows
from exemplar.store.items import read_items, rows_of
from stages.arguments import domain_and_condition_of


def main() -> None:
    """Regresses every image of a domain and describes every pixel of it."""
    domain, condition = domain_and_condition_of("features")
    settings = section(load_params(), "features", FeaturesSettings)
    torch.set_num_threads(settings.threads)
    regressor = load_regressor(layout.regressor(domain, condition))
    backbone = load_backbone(settings.backbone, layout.ESTIMATORS, torch.device("cpu"))
    stored = array(open_group(layout.conditions(domain), condition), condition)
    photographs = array(open_group(layout.images(domain), "image"), "image")
    count, height, width, _ = photographs.shape

    train = rows_of(read_items(layout.items(domain)), "train")
    sample = train[np.linspace(0, len(train) - 1, min(settings.sample, len(train))).astype(int)]
    regressed = regressor(read_rows(stored, sample), (height, width))
    projection = learn_projection(backbone, regressed, settings.projection)
    save_projection(layout.projection(domain, condition), projection)
    _, scene = describe_images(backbone, projection, regressed[:1], settings)

    def produce(part: slice) -> dict[str, np.ndarray]:
        images = regressor(np.asarray(stored[part]), (height, width))
        descriptor, scene = describe_images(backbone, projection, images, settings)
        return {"regressed": images, "descriptor": descriptor, "scene": scene}

    fill_group(
        layout.features(domain, condition),
        {
            "regressed": ((height, width, 3), "uint8"),
            "descriptor": ((height, width, projection.dimensions), "float16"),
            "scene": ((scene.shape[1],), "float32"),
        },
        count,
        produce,
        {
            "backbone": projection.backbone,
            "layers": list(projection.layers),
            "dimensions": projection.dimensions,
            "variance_kept": round(float(projection.kept[projection.dimensions - 1]), 6),
        },
        [
            layout.conditions(domain),
            layout.regressor(domain, condition),
            layout.projection(domain, condition),
            {"condition": condition, "settings": settings.model_dump(mode="json")},
        ],
    )


if __name__ == "__main__":
    main()
