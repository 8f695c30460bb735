from __future__ import annotations

from pathlib import Path

import pytest

from exemplar.data.image_set_settings import Cifar10Settings, DigitsSettings, IdxSettings
from exemplar.data.photo_settings import (
    CelebaSettings,
    FolderSettings,
    Limit,
    PairsSettings,
    Splits,
)
from exemplar.data.rendered.settings import RenderedSettings
from exemplar.data.settings import Domain, PrepareSettings
from exemplar.settings import SettingsError, section

PAIRS = {"kind": "pairs", "root": "r", "photo": "left", "condition": "labels"}


def domain(**values):
    return section({"domains": {"d": values}}, "domains.d", Domain)


def test_kind_chooses_the_model():
    assert isinstance(domain(kind="rendered", train=3), RenderedSettings)
    folder = domain(kind="folder", root="r")
    assert isinstance(folder, FolderSettings)
    assert folder.root == Path("r")
    assert isinstance(domain(kind="celeba", root="r"), CelebaSettings)


def test_unknown_kind_names_the_known():
    with pytest.raises(SettingsError, match="'rendered', 'folder', 'pets', 'celeba', 'zappos'"):
        domain(kind="imagenet", root="r")


def test_unknown_key_and_missing_root_are_told_together():
    with pytest.raises(SettingsError) as caught:
        domain(kind="folder", crop=3)
    assert "domains.d.folder.root: Field required" in str(caught.value)
    assert "domains.d.folder.crop: Extra inputs are not permitted" in str(caught.value)


def test_splits_are_counts_or_shares():
    splits = domain(kind="folder", root="r", splits={"val": 3, "test": 0.25}).splits
    assert splits == Splits(val=3, test=0.25)
    assert (type(splits.val), type(splits.test)) == (int, float)
    for wrong in (-1, 1.0, 1.5, "many"):
        with pytest.raises(SettingsError, match=r"splits\.test"):
            domain(kind="folder", root="r", splits={"test": wrong})


def test_one_limit_holds_for_every_split():
    assert domain(kind="folder", root="r", limit=5).limit == Limit(train=5, val=5, test=5)
    assert domain(kind="folder", root="r", limit={"test": 5}).limit == Limit(test=5)
    with pytest.raises(SettingsError, match=r"limit\.train: Input should be greater"):
        domain(kind="folder", root="r", limit=0)


def test_label_pairs_need_classes():
    own = {"sky": [0, 0, 255], "rest": [0, 0, 0]}
    assert domain(**PAIRS, classes=own).colours() == {"sky": (0, 0, 255), "rest": (0, 0, 0)}
    facades = domain(**PAIRS, classes="facades")
    assert isinstance(facades, PairsSettings)
    assert len(facades.colours()) == 12
    for wrong, reason in (
        ({}, "classes belong to condition: labels"),
        ({"classes": "streets"}, "classes must be one of facades"),
        ({"classes": {"one": [0, 0, 0]}}, "classes must be 2 to 255, got 1"),
        ({"classes": {"a": [0, 0, 256], "b": [0, 0, 0]}}, "less than or equal to 255"),
    ):
        with pytest.raises(SettingsError, match=reason):
            domain(**PAIRS, **wrong)
    with pytest.raises(SettingsError, match="classes belong to condition: labels"):
        domain(**{**PAIRS, "condition": "edges"}, classes="facades")


def test_sets_of_small_images():
    digits = domain(kind="digits")
    assert isinstance(digits, DigitsSettings)
    assert (digits.size, digits.splits.test, digits.splits.val) == (32, 600, 0)
    idx = domain(kind="idx", root="r", limit=7)
    assert isinstance(idx, IdxSettings)
    assert (idx.size, idx.val, idx.limit) == (None, 0, Limit(train=7, val=7, test=7))
    assert isinstance(domain(kind="cifar10", root="r"), Cifar10Settings)
    with pytest.raises(SettingsError, match=r"digits\.root: Extra inputs"):
        domain(kind="digits", root="r")
    with pytest.raises(SettingsError, match=r"size: Input should be greater than or equal to 8"):
        domain(kind="idx", root="r", size=7)


def test_any_domain_may_have_its_own_size():
    assert domain(kind="celeba", root="r").size is None
    assert domain(kind="celeba", root="r", size=64).size == 64
    assert domain(kind="rendered", size=64).size == 64
    assert domain(**PAIRS, classes="facades", size=32).size == 32
    for kind in ("folder", "pets", "zappos"):
        with pytest.raises(SettingsError, match=r"size: Input should be greater than or equal"):
            domain(kind=kind, root="r", size=15)


def test_prepare_section():
    assert section({"prepare": {}}, "prepare", PrepareSettings).image_size == 96
    with pytest.raises(SettingsError, match=r"prepare\.workers.*greater than or equal to 1"):
        section({"prepare": {"workers": 0}}, "prepare", PrepareSettings)
