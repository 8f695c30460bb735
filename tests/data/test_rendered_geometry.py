"""What a rendering is built from, against closed forms: fields, meshes, rays, warps, noise."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from exemplar.data.rendered import canonical
from exemplar.data.rendered.anatomy import anatomy
from exemplar.data.rendered.animals import draw
from exemplar.data.rendered.breeds import KNOWN
from exemplar.data.rendered.casting import Scene, camera_rays, cosine_rays
from exemplar.data.rendered.coats import COATS, PALETTES
from exemplar.data.rendered.fields import blob, distances, gradients, wrap
from exemplar.data.rendered.meshes import grid_faces, normals, orient, sphere, unit
from exemplar.data.rendered.noise import noise, spots
from exemplar.data.rendered.outlines import outlines
from exemplar.data.rendered.painting import IRIS, NOSE, PARTS
from exemplar.data.rendered.rendering import SCALE


def test_normals_of_a_rendered_sphere_are_the_closed_form() -> None:
    radius, size, height, distance = 0.8, 40, 2.4, 9.0
    points = radius * sphere(64, 80)
    faces = orient(grid_faces(64, 80), points)
    scene = Scene(points, faces, np.zeros(len(faces), np.int32))
    rays = camera_rays(size, height, distance)
    attributes = normals(points, faces).astype(np.float32)
    hits = scene.look(np.array([0.0, 0.0, distance]), rays, attributes)
    # A ray o + t d meets the sphere where |o|^2 + 2 t o.d + t^2 = r^2.
    along = rays[:, 2].astype(np.float64) * distance
    inside = along**2 - (distance**2 - radius**2)
    exact = np.flatnonzero(inside > 0.02)
    assert np.isin(exact, hits.pixel).all()
    assert (inside[hits.pixel] > -1e-3).all()
    t = -along[hits.pixel] - np.sqrt(np.maximum(inside[hits.pixel], 0))
    expected = (np.array([0, 0, distance]) + t[:, None] * rays[hits.pixel]) / radius
    cosine = np.einsum("ij,ij->i", unit(hits.values), unit(expected))
    steady = inside[hits.pixel] > 0.05
    assert np.degrees(np.arccos(np.clip(cosine[steady], -1, 1))).max() < 2.0


def test_a_blob_is_its_ellipsoid() -> None:
    row = blob((0.2, -0.1, 0.3), (0.5, 0.8, 1.2), pitch=0.4, yaw=-0.7)[None]
    way = unit(np.random.default_rng(0).normal(size=(200, 3)))
    points = wrap(np.array([0.2, -0.1, 0.3]), way, row, 3.0)
    offset = (points - [0.2, -0.1, 0.3]) @ row[0, 6:15].reshape(3, 3).T
    assert np.allclose(((offset / [0.5, 0.8, 1.2]) ** 2).sum(1), 1, atol=5e-3)
    assert np.abs(distances(points, row)).max() < 1e-3
    assert (np.einsum("ij,ij->i", gradients(points, row), way) > 0).all()


def test_a_joined_field_is_at_most_its_parts_and_a_carved_one_at_least() -> None:
    first, second = blob((0, 0, 0), (1, 1, 1)), blob((0.9, 0, 0), (0.5, 0.5, 0.5), 0.2)
    points = np.random.default_rng(1).uniform(-2, 2, (300, 3))
    one, two = distances(points, first[None]), distances(points, second[None])
    joined = distances(points, np.stack([first, second]))
    assert (joined <= np.minimum(one, two) + 1e-9).all()
    hole = blob((0.9, 0, 0), (0.5, 0.5, 0.5), 0.2, carve=True)
    assert (distances(points, np.stack([first, hole])) >= np.maximum(one, -two) - 1e-9).all()


def test_cosine_rays_are_unit_above_the_surface_and_average_to_two_thirds() -> None:
    rng = np.random.default_rng(2)
    normal = unit(rng.normal(size=(20000, 3)))
    rays = cosine_rays(normal, rng.random(20000), rng.random(20000))
    lean = np.einsum("ij,ij->i", rays, normal)
    assert np.allclose(np.linalg.norm(rays, axis=1), 1, atol=1e-5)
    assert lean.min() > -1e-6
    assert abs(lean.mean() - 2 / 3) < 0.01


def test_the_warp_is_affine_where_landmarks_are() -> None:
    rng = np.random.default_rng(3)
    source = canonical.LANDMARKS
    matrix, offset = np.eye(3) + 0.2 * rng.normal(size=(3, 3)), rng.normal(size=3)
    warp = canonical.Warp(source, source @ matrix.T + offset)
    points = rng.uniform(-1, 1, (50, 3))
    assert np.allclose(warp(points), points @ matrix.T + offset, atol=1e-6)


@settings(max_examples=30, deadline=None)
@given(st.sampled_from(sorted(KNOWN)), st.integers(0, 500))
def test_every_animal_has_its_landmarks_on_the_canonical_head(breed: str, seed: int) -> None:
    animal = draw(np.random.default_rng(seed), breed, open_mouth=0.5, collar=0.5)
    frame = anatomy(animal)
    placed = canonical.warp_of(frame.landmarks)(frame.landmarks)
    assert np.abs(placed - canonical.LANDMARKS).max() < 0.1
    assert all(np.isfinite(part).all() for part in (frame.head, frame.body, frame.landmarks))


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 60000), st.floats(0.2, 20))
def test_noise_stays_in_range_and_is_continuous(seed: int, scale: float) -> None:
    points = np.random.default_rng(seed).uniform(-3, 3, (100, 3))
    values = noise(points, scale, 3, seed)
    assert np.abs(values).max() <= 1
    near = noise(points + 1e-4 / scale, scale, 3, seed)
    assert np.abs(values - near).max() < 0.02
    distance, _ = spots(points, scale, seed)
    assert distance.min() >= 0
    assert distance.max() < 1.8


def test_tables_of_looks_agree() -> None:
    for name, breed in KNOWN.items():
        assert set(breed.coats) <= set(COATS), name
        assert set(breed.palette) <= set(PALETTES), name
        assert set(breed.iris) <= set(IRIS), name
        assert set(breed.nose_colour) <= set(NOSE), name


def test_outline_of_a_straight_border() -> None:
    size = 24
    side = SCALE * size
    labels = np.zeros((side, side), np.uint8)
    labels[:, side // 2 :] = PARTS.index("body")
    flat = np.broadcast_to(np.array([0, 0, 1], np.float32), (side, side, 3))
    zero = np.zeros((side, side), np.float32)
    edges = outlines(labels, (labels > 0).astype(np.uint16), zero + 5, flat, zero, SCALE)
    row = edges[size // 2]
    assert row[size // 2 - 1 : size // 2 + 1].min() > 0.6
    assert row[: size // 2 - 3].max() < 0.01
    assert row[size // 2 + 3 :].max() < 0.01
    assert np.allclose(edges, row[None], atol=1e-6)
    nothing = outlines(0 * labels, (0 * labels).astype(np.uint16), zero + 5, flat, zero, SCALE)
    assert nothing.max() == 0
