"""Who judges: the estimators if they see all classes, else a network trained on what is there."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from exemplar.estimators import EstimatorsSettings, save_estimators
from exemplar.features.pixelnet import PixelNet, PixelNetSettings
from exemplar.methods.semantic_analogy.judging import Enlarging, judge_of
from exemplar.methods.semantic_analogy.source_settings import SourceSettings
from exemplar.metrics.segmenters import EstimatorsJudge, TrainedJudge
from exemplar.store import layout
from exemplar.store.arrays import StoreError
from exemplar.training.loop import TrainingSettings
from tests.methods.semantic_analogy.labelled import (
    CLASSES,
    DOMAIN,
    given,
    image_of,
    labels_of,
    write_domain,
)

QUICK = TrainedJudge(
    network=PixelNetSettings(width=8, hidden=16),
    training=TrainingSettings(steps=2, batch=4, pixels=256, rate=0.01, checkpoint_every=30),
    photometry=0,
)
LONGER = QUICK.model_copy(
    update={"training": QUICK.training.model_copy(update={"steps": 60})}
)  # until it sees what is there
IMAGE = {"domain": DOMAIN, "id": "b-0"}


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_domain()


def write_estimators(*parts: str) -> None:
    torch.manual_seed(0)
    heads = {"normals": 3, "edges": 1, "parts": len(parts)}
    network = PixelNet(3, heads, PixelNetSettings(width=4, hidden=8))
    save_estimators(layout.ESTIMATORS, network, parts, EstimatorsSettings(), "rendered")


def settings(**more: object) -> SourceSettings:
    return SourceSettings.model_validate({"image": IMAGE} | more)


def test_the_estimators_judge_what_they_see_all_of() -> None:
    write_estimators(*CLASSES)
    judge = judge_of(given(), settings(), QUICK, 80, Path("work"))
    assert judge.identity.startswith("pixelnet-4@rendered#") and judge.classes == CLASSES
    write_estimators("wall", "door")
    judge = judge_of(given(), settings(), QUICK, 80, Path("work"))
    assert judge.identity.startswith("pixelnet-8@house#")


def test_a_judge_is_trained_on_the_source_where_that_is_all() -> None:
    judge = judge_of(given(), settings(), LONGER, 80, Path("work"))
    assert judge.identity.startswith("pixelnet-8@house#") and judge.classes == CLASSES[:3]
    shown = torch.from_numpy(image_of(labels_of(1), 7)).permute(2, 0, 1)[None].float() / 255
    seen = judge(shown)[0].numpy()
    assert (seen == labels_of(1)).mean() > 0.9


def test_a_judge_learns_from_a_labelled_domain_or_a_folder_but_not_from_the_source() -> None:
    judge = judge_of(
        given(), settings(learned_from={"domain": DOMAIN}), QUICK, 80, Path("work-domain")
    )
    assert judge.identity.startswith(f"pixelnet-8@{DOMAIN}#")
    colours = {"ground": [0, 0, 255], "wall": [255, 0, 0], "door": [0, 255, 0]}
    Path("pairs").mkdir()
    for number in range(3):
        labels = labels_of(number)
        drawn = np.array(list(colours.values()), np.uint8)[labels]
        pair = np.concatenate([image_of(labels, number), drawn], 1)
        Image.fromarray(pair).save(f"pairs/{number}.png")
    image = {"pair": "pairs/0.png", "classes": colours}
    folder = {"folder": "pairs", "classes": colours}
    chosen = SourceSettings.model_validate({"image": image, "learned_from": folder})
    judge = judge_of(given(), chosen, QUICK, 80, Path("work-pairs"))
    assert judge.identity.startswith("pixelnet-8@pairs#")
    # Without the one that is the source there is nothing left of the first.
    for number in (1, 2):
        Path(f"pairs/{number}.png").unlink()
    with pytest.raises(ValueError, match="expected side-by-side files to learn from, found none"):
        judge_of(given(), chosen, QUICK, 80, Path("work-none"))


def test_a_judge_that_sees_nothing_of_it_is_refused() -> None:
    write_estimators("nose", "ear")
    chosen = settings(judge=EstimatorsJudge().model_dump())
    with pytest.raises(StoreError, match="sees none of the source's classes"):
        judge_of(given(), chosen, QUICK, 80, Path("work"))


class Looking:
    """Sees whether a pixel is bright, and remembers the size of what it was shown."""

    identity, classes = "looking", ("dark", "bright")

    def __call__(self, images: torch.Tensor) -> torch.Tensor:
        self.size = tuple(images.shape[-2:])
        return (images.mean(1) > 0.5).to(torch.uint8)


def test_small_images_are_enlarged_for_the_judge_and_what_it_sees_made_small_again() -> None:
    looking = Looking()
    judge = Enlarging(looking, 80)
    assert (judge.identity, judge.classes) == ("looking", ("dark", "bright"))
    wanted = np.zeros((30, 40), np.uint8)
    wanted[8:20, 5:30] = 1
    image = torch.from_numpy(wanted).float().expand(2, 3, 30, 40)
    seen = judge(image)
    assert looking.size == (60, 80)
    np.testing.assert_array_equal(seen.numpy(), np.stack([wanted, wanted]))
    Enlarging(looking, 40)(image)
    assert looking.size == (30, 40)
