from __future__ import annotations

from exemplar.report.network_training import pictures_at_even_steps


def test_pictures_are_at_even_steps_with_the_first_and_the_last(tmp_path):
    for name in ("2", "10", "30", "100", "0-7", "1-9", "1-20", "other", "1-2-3"):
        (tmp_path / f"{name}.png").touch()
    (tmp_path / "5.txt").touch()

    def steps(count, prefix=""):
        return [step for step, _ in pictures_at_even_steps(tmp_path, count, prefix)]

    assert steps(9) == [2, 10, 30, 100]
    assert steps(2) == [2, 100]
    assert steps(3) == [2, 30, 100]
    assert steps(9, "1-") == [9, 20]
    assert pictures_at_even_steps(tmp_path, 1, "0-") == [(7, tmp_path / "0-7.png")]
    assert steps(0) == []
    assert steps(4, "8-") == []
