"""Which features can tell something is decided without a look at what is right."""

from __future__ import annotations

from eval_autopsy import kernel
from eval_autopsy.features import every_feature, features_of
from eval_autopsy.records import Record


def records(*texts: str) -> list[Record]:
    return [
        Record(id=str(i), split="production", where=f"d:{i}", input=text)
        for i, text in enumerate(texts)
    ]


def test_a_feature_that_is_the_same_for_all_is_set_aside_with_the_reason() -> None:
    found, set_aside = features_of(records("abc", "abd"), ["letter_case(input)"])
    assert found == []
    assert set_aside == [("letter_case(input)", "it is the same for all records")]


def test_a_feature_with_few_levels_keeps_them_all() -> None:
    [found], _ = features_of(records("abc", "ABC"), ["letter_case(input)"])
    assert found.spec == {"feature": "letter_case", "of": "input", "kept": []}
    assert found.levels == ['"small"', '"capital"']


def test_rarer_levels_fold_into_one() -> None:
    usual, rare = "a: 1\nb: 2", [f"x{i}: 1" for i in range(20)]
    [found], _ = features_of(records(*[usual] * 30, *rare), ["field_order(input)"])
    assert found.spec["kept"] == ["a, b"]
    assert found.levels == ['"a, b"'] * 30 + [kernel.OTHER] * 20


def test_a_feature_that_is_different_for_each_is_set_aside() -> None:
    found, set_aside = features_of(
        records(*(f"x{i}: 1" for i in range(30))), ["field_order(input)"]
    )
    assert found == []
    assert "nearly all of them rare" in set_aside[0].reason


def test_every_feature_is_one_of_the_kernel() -> None:
    assert {name.partition("(")[0] for name in every_feature()} == set(kernel.FEATURES)
