from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exemplar.data.inputs import DomainError
from exemplar.data.photo_settings import Limit, Splits
from exemplar.data.splits import NEEDED, assign, missing, need_enough, within_limit

FILES = st.lists(st.integers(0, 30).map(str), min_size=8, max_size=60)


def hold(contents, splits, fixed=None, seed=1):
    return assign(contents, fixed or [""] * len(contents), splits, seed)


@given(FILES, st.integers(0, 5), st.randoms())
def test_split_depends_on_content_and_seed_only(contents, seed, random):
    splits = Splits(val=0.2, test=1)
    if len(set(contents)) < 4:
        return
    got = dict(zip(contents, hold(contents, splits, seed=seed), strict=True))
    shuffled = contents[:]
    random.shuffle(shuffled)
    again = dict(zip(shuffled, hold(shuffled, splits, seed=seed), strict=True))
    assert got == again
    assert list(got.values()).count("test") == 1
    assert list(got.values()).count("val") == max(1, round(0.2 * len(got)))


def test_images_of_one_file_share_a_split():
    contents = [str(n // 3) for n in range(60)]
    got = hold(contents, Splits(val=3, test=5))
    assert all(len(set(got[n : n + 3])) == 1 for n in range(0, 60, 3))
    assert got.count("test") == 15
    assert got.count("val") == 9


def test_seeds_differ():
    contents = [str(n) for n in range(40)]
    assert hold(contents, Splits(), seed=1) != hold(contents, Splits(), seed=2)


def test_order_holds_out_the_last():
    got = hold(list("abcdefghij"), Splits(by="order", val=2, test=0.3))
    assert got == ["train"] * 5 + ["val"] * 2 + ["test"] * 3


def test_given_splits_stay_and_take_no_others():
    contents = [str(n) for n in range(20)]
    fixed = ["test"] * 4 + [""] * 16
    got = hold(contents, Splits(val=2, test=9), fixed)
    assert got[:4] == ["test"] * 4
    assert got.count("test") == 4
    assert got.count("val") == 2
    assert got.count("train") == 14


def test_nothing_left_to_train_on_is_an_error():
    with pytest.raises(DomainError, match="hold out val 3 and test 7 of 10 photographs"):
        hold([str(n) for n in range(10)], Splits(val=3, test=7))


@given(FILES, st.integers(1, 6), st.integers(0, 3))
def test_limit_takes_the_most_it_may(contents, train, test):
    splits = ["test" if content < "15" else "train" for content in contents]
    keep = within_limit(contents, splits, Limit(train=train, test=test), 1)
    for split, most in (("train", train), ("test", test)):
        kept = sum(k for k, s in zip(keep, splits, strict=True) if s == split)
        assert kept == min(most, splits.count(split))


def test_larger_limit_keeps_what_a_smaller_kept():
    contents = [str(n) for n in range(50)]
    few = within_limit(contents, ["train"] * 50, Limit(train=10), 1)
    more = within_limit(contents, ["train"] * 50, Limit(train=20), 1)
    assert all(m for f, m in zip(few, more, strict=True) if f)


def test_what_is_missing_is_told_with_all_numbers():
    assert missing(["train"] * 11 + ["val", "test"]) == ""
    assert missing(["train"] * 10 + ["val", "test", "test"]) == (
        "train has 10 of at least 11, val has 1 of at least 1, test has 2 of at least 1"
    )
    assert missing(["train"], {"train": 1}) == missing([], {}) == ""
    need_enough("cats", ["train"] * 11 + ["val", "test"], NEEDED)
    with pytest.raises(DomainError, match=r"^cats: too few images: .* test has 0 .*domains\.cats"):
        need_enough("cats", ["train"] * 11 + ["val"], NEEDED)


@given(st.integers(3, 60))
def test_thirteen_photographs_are_enough_by_default(count):
    splits = hold([str(number) for number in range(count)], Splits())
    assert (missing(splits) == "") == (count >= sum(NEEDED.values()) == 13)
