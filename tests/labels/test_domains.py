"""The classes of a domain as its settings name them, and those of users' maps for it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from exemplar.data.colours import FACADES
from exemplar.data.layout_settings import CITYSCAPES, CityscapesSettings
from exemplar.labels.colours import label_palette
from exemplar.labels.domains import known_in, known_of

ROOT = {"kind": "cityscapes", "root": "raw"}


def settings(**values: Any) -> CityscapesSettings:
    return CityscapesSettings.model_validate(ROOT | values)


def test_classes_have_their_numbers_and_the_colours_that_maps_are_shown_in():
    known = known_of(settings(classes={"leaf": 7, "stem": 3}, ignore=(0, 255)))
    assert known.names == ("leaf", "stem") and known.numbers == (7, 3)
    assert known.ignore == (0, 255) and not known.given
    np.testing.assert_array_equal(known.colours, label_palette()[[7, 3]])
    assert known.remedy == (
        "name them in classes or in ignore; of a map of colours, name that of each class in colours"
    )
    assert known_of(settings()).names == CITYSCAPES
    assert known_of(settings(classes={"a": 0, "b": 300})).colours is None
    assert known_of(settings(classes={"a": 0, "b": 255})).ignore == ()


def test_colours_that_are_named_count_in_the_order_of_classes():
    colours = {"stem": (9, 9, 9), "leaf": (1, 2, 3)}
    known = known_of(settings(classes=("leaf", "stem"), colours=colours))
    assert known.given and known.colours is not None
    assert known.colours.tolist() == [[1, 2, 3], [9, 9, 9]]
    assert known.remedy == "name them in classes or in ignore"


def test_users_maps_have_the_numbers_of_those_that_were_learned():
    own = ROOT | {"classes": {"leaf": 7, "stem": 3, "sky": 5}, "ignore": [9]}
    known = known_in({"domains": {"d": own}}, "d", ("sky", "leaf"), "draw anew")
    assert known.names == ("sky", "leaf") and known.numbers == (5, 7) and known.ignore == (9,)
    assert known.remedy == "draw anew"
    np.testing.assert_array_equal(known.colours, label_palette()[[5, 7]])


def test_of_side_by_side_files_colours_are_those_of_the_classes():
    own = {"kind": "pairs", "root": "r", "photo": "left", "condition": "labels"}
    params = {"domains": {"d": own | {"classes": "facades"}}}
    known = known_in(params, "d", ("shop", "window"))
    assert known.names == ("shop", "window") and known.numbers == (0, 1) and known.given
    assert known.colours is not None
    assert known.colours.tolist() == [list(FACADES["shop"]), list(FACADES["window"])]


def test_of_labelled_photographs_numbers_or_colours_are_those_of_the_classes():
    own = {"kind": "labelled", "root": "r", "classes": {"leaf": 7, "stem": 3, "sky": 5}}
    known = known_in({"domains": {"d": own | {"ignore": [9]}}}, "d", ("sky", "leaf"), "draw anew")
    assert known.names == ("sky", "leaf") and known.numbers == (5, 7) and known.ignore == (9,)
    assert known.remedy == "draw anew" and not known.given
    own |= {"classes": {"leaf": [1, 90, 3], "stem": [90, 9, 9]}}
    known = known_in({"domains": {"d": own}}, "d", ("stem", "leaf"))
    assert known.colours is not None and known.given
    assert known.colours.tolist() == [[90, 9, 9], [1, 90, 3]]


@pytest.mark.parametrize("own", [None, {"kind": "rendered"}, ROOT | {"classes": ["x", "y"]}, 3])
def test_other_domains_and_other_classes_are_numbered_from_0(own):
    params = {"domains": {} if own is None else {"d": own}}
    known = known_in(params, "d", ("leaf", "stem"))
    assert known.numbers == (0, 1) and known.ignore == (255,) and not known.given
    np.testing.assert_array_equal(known.colours, label_palette()[:2])
