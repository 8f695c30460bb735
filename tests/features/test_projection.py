from __future__ import annotations

from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn import functional

from exemplar.features.frozen import FrozenBackbone
from exemplar.features.hypercolumn import hypercolumn, layer_scales
from exemplar.features.projection import (
    Projection,
    ProjectionError,
    ProjectionSettings,
    describe,
    fit_projection,
    load_projection,
    project,
    require_backbone,
    save_projection,
)
from exemplar.store.weights import WeightsError


def small_backbone(seed: int = 0, name: str = "small#1") -> FrozenBackbone:
    torch.manual_seed(seed)
    fine, coarse = nn.Conv2d(3, 4, 3, padding=1), nn.Conv2d(4, 6, 3, padding=1)

    def taps(x: Tensor) -> list[Tensor]:
        first = functional.relu(fine(x))
        return [first, functional.relu(coarse(functional.max_pool2d(first, 2)))]

    return FrozenBackbone(name, ("fine", "coarse"), nn.ModuleList([fine, coarse]), taps)


def photographs(count: int = 4) -> list[Tensor]:
    generator = torch.Generator().manual_seed(1)
    return [torch.rand(2, 3, 12, 16, generator=generator) for _ in range(count)]


@pytest.mark.parametrize("whiten", [False, True])
@pytest.mark.parametrize("equalise", [False, True])
def test_the_short_way_equals_the_long_one(whiten: bool, equalise: bool) -> None:
    backbone = small_backbone()
    chosen = ProjectionSettings(dimensions=5, pixels=64, whiten=whiten, equalise=equalise)
    projection = fit_projection(backbone, photographs(), chosen)
    maps = backbone(photographs()[0])
    for size in [(12, 16), (6, 8), (5, 9)]:
        column = hypercolumn(maps, size, projection.scales)
        # The hypercolumn's own length cancels.
        unit = functional.normalize(column, dim=1)
        expected = functional.normalize(
            torch.einsum("bchw,cd->bdhw", unit, projection.matrix), dim=1
        )
        torch.testing.assert_close(describe(maps, size, projection), expected, atol=1e-5, rtol=0)
        torch.testing.assert_close(project(column, projection), expected, atol=1e-5, rtol=0)


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.tuples(st.integers(1, 5), st.integers(1, 9), st.integers(1, 9)), min_size=1),
    st.integers(1, 12),
    st.integers(1, 12),
    st.integers(0, 2**20),
)
def test_projecting_commutes_with_enlarging(
    shapes: list[tuple[int, int, int]], height: int, width: int, seed: int
) -> None:
    generator = torch.Generator().manual_seed(seed)
    maps = [torch.randn(1, *shape, generator=generator) for shape in shapes]
    channels = tuple(shape[0] for shape in shapes)
    projection = Projection(
        backbone="any",
        layers=tuple(map(str, range(len(shapes)))),
        channels=channels,
        scales=torch.rand(len(shapes), generator=generator) + 0.5,
        matrix=torch.randn(sum(channels), 3, generator=generator),
        kept=torch.ones(sum(channels)),
        whiten=False,
    )
    column = hypercolumn(maps, (height, width), projection.scales)
    raw = torch.einsum("bchw,cd->bdhw", column, projection.matrix)
    cosine = functional.cosine_similarity(describe(maps, (height, width), projection), raw)
    # Where the projection nearly vanishes its direction is rounding noise.
    assert bool((cosine > 1 - 1e-4)[raw.norm(dim=1) > 1e-2].all())


def test_a_full_projection_keeps_cosines() -> None:
    backbone = small_backbone()
    projection = fit_projection(backbone, photographs(), ProjectionSettings(dimensions=10))
    maps = backbone(photographs()[0])
    column = functional.normalize(hypercolumn(maps, (12, 16), projection.scales), dim=1).flatten(2)
    descriptor = describe(maps, (12, 16), projection).flatten(2)
    before = torch.einsum("bcp,bcq->bpq", column, column)
    after = torch.einsum("bcp,bcq->bpq", descriptor, descriptor)
    torch.testing.assert_close(after, before, atol=1e-5, rtol=0)
    assert float(projection.kept[-1]) == pytest.approx(1)


def test_fit_is_repeatable_and_does_not_depend_on_batching() -> None:
    backbone, images = small_backbone(), photographs()
    first = fit_projection(backbone, images, ProjectionSettings(dimensions=4))
    again = fit_projection(backbone, tuple(images), ProjectionSettings(dimensions=4))
    assert torch.equal(first.matrix, again.matrix)
    joined = fit_projection(backbone, [torch.cat(images)], ProjectionSettings(dimensions=4))
    torch.testing.assert_close(joined.matrix, first.matrix, atol=1e-4, rtol=0)
    scales = layer_scales(backbone(torch.cat(images)))
    torch.testing.assert_close(first.scales, scales)


def test_save_and_load(tmp_path: Path) -> None:
    projection = fit_projection(small_backbone(), photographs(), ProjectionSettings(dimensions=4))
    save_projection(tmp_path / "projection.safetensors", projection)
    loaded = load_projection(tmp_path / "projection.safetensors")
    for name in ("backbone", "layers", "channels", "whiten", "dimensions"):
        assert getattr(loaded, name) == getattr(projection, name)
    for name in ("matrix", "scales", "kept"):
        assert torch.equal(getattr(loaded, name), getattr(projection, name))


def test_another_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "projection.safetensors"
    save_projection(
        path, fit_projection(small_backbone(), photographs(), ProjectionSettings(dimensions=4))
    )
    path.with_suffix(".json").write_text("{}")
    with pytest.raises(WeightsError, match=r"projection\.safetensors: not a projection: no 'back"):
        load_projection(path)


def test_errors_say_what_to_do() -> None:
    backbone = small_backbone()
    with pytest.raises(ProjectionError, match="to 11 dimensions: small#1 has 10 channels in fine"):
        fit_projection(backbone, photographs(), ProjectionSettings(dimensions=11))
    with pytest.raises(ProjectionError, match="8 sampled pixels are too few for 9 dimensions"):
        fit_projection(backbone, photographs(), ProjectionSettings(dimensions=9, pixels=1))
    with pytest.raises(ProjectionError, match="expected a list, got an iterator"):
        fit_projection(backbone, iter(photographs()), ProjectionSettings(dimensions=2))
    with pytest.raises(ProjectionError, match="at least one batch"):
        fit_projection(backbone, [], ProjectionSettings(dimensions=2))


def test_values_that_are_not_finite_are_refused() -> None:
    backbone, images = small_backbone(), photographs()
    projection = fit_projection(backbone, images, ProjectionSettings(dimensions=3))
    images[2][0, 0, 3, 3] = torch.nan
    with pytest.raises(ProjectionError, match="small#1 gave values that are not finite"):
        fit_projection(backbone, images, ProjectionSettings(dimensions=3))
    with pytest.raises(ProjectionError, match="not finite"):
        describe(backbone(images[2]), (12, 16), projection)


def test_another_backbone_is_refused() -> None:
    backbone = small_backbone()
    projection = fit_projection(backbone, photographs(), ProjectionSettings(dimensions=3))
    require_backbone(projection, backbone)
    with pytest.raises(ProjectionError, match=r"are of small#1 \(fine, coarse\), .* is other#2"):
        require_backbone(projection, small_backbone(1, "other#2"))
    with pytest.raises(ProjectionError, match=r"with \(4, 6\) channels, got \(6, 4\)"):
        describe(backbone(photographs()[0])[::-1], (12, 16), projection)
    with pytest.raises(ProjectionError, match=r"\(10,\) channels, got \(9,\)"):
        project(torch.ones(1, 9, 2, 2), projection)
    with pytest.raises(ProjectionError, match="another backbone"):
        describe(backbone(photographs()[0])[:1], (12, 16), projection)
