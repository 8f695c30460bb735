from __future__ import annotations

import numpy as np

from exemplar.report.spread import spread


def naive(images: np.ndarray, count: int, first: list[int]) -> list[int]:
    """The same choice, by loops over cells, candidates and chosen ones."""
    side = images.shape[1] // 8
    coarse = [
        [
            image[y * side : (y + 1) * side, x * side : (x + 1) * side, c].mean()
            for y in range(8)
            for x in range(8)
            for c in range(3)
        ]
        for image in images
    ]

    def distance(a: int, b: int) -> float:
        return sum((p - q) ** 2 for p, q in zip(coarse[a], coarse[b], strict=True))

    chosen = list(first)
    while len(chosen) < count:
        nearest = [min(distance(i, j) for j in chosen) for i in range(len(images))]
        chosen.append(nearest.index(max(nearest)))
    return chosen


def test_equals_a_naive_search() -> None:
    images = np.random.default_rng(5).integers(0, 256, (14, 16, 16, 3)).astype(np.uint8)
    assert spread(images, 7, [4, 2]) == naive(images, 7, [4, 2])


def test_copies_are_not_shown_twice() -> None:
    images = np.zeros((6, 8, 8, 3), np.uint8)
    images[4] = 200
    assert spread(images, 5, [1, 1]) == [1, 4]


def test_those_asked_for_come_first_and_sides_need_not_divide() -> None:
    images = np.random.default_rng(6).integers(0, 256, (5, 13, 6, 3)).astype(np.uint8)
    chosen = spread(images, 5, [3])
    assert chosen[0] == 3
    assert sorted(chosen) == [0, 1, 2, 3, 4]
