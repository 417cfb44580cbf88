"""Two derivations never go by the same words, so that no number stands under another's name."""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import pytest

from eval_autopsy import kernel

WHERES: list[dict[str, Any]] = [{}, {"kind": ["a"]}, {"kind": ["a", "b"]}, {"size": ["a"]}]
WHERES += [{"kind": ["a"], "size": ["b"]}, {"kind": ["b"], "size": ["a"]}, {"kind": [None]}]
ARGUMENTS: dict[str, list[Any]] = {
    "split": list(kernel.SPLITS),
    "outcome": ["right", "wrong", "silent", "caught:one", "caught:two", "right_field:one"],
    "of": ["counted", "records", "missed:one", "right_field:two"],
    "where": WHERES,
    "slices": [[one] for one in WHERES[1:]] + [WHERES[1:3], WHERES[2:4]],
    "by": [["kind"], ["size"], ["kind", "size"]],
    "part": list(kernel.GAP_PARTS),
    "order": ["symmetric", "production", "eval"],
    "which": ["all", "all_right", "all_wrong", "unseen"],
    "share": ["0.5", "0.8"],
    "change": ["swap", "typo"],
    "when": ["before", "after"],
    "of_tasks": ["before", "after", "broken", "mended"],
    "statement": ["It reads by position.", "It reads by label."],
    "side": ["failing", "passing"],
    "limit": [1],  # how many are listed shows in the list
}


def claims() -> Iterator[dict[str, Any]]:
    """Every operation with every combination of arguments."""
    for op, operation in kernel.OPERATIONS.items():
        values = [ARGUMENTS[name] for name in operation.parameters]
        for chosen in itertools.product(*values):
            yield {"op": op, "args": dict(zip(operation.parameters, chosen, strict=True))}


def shared(words: dict[str, list[str]]) -> list[list[str]]:
    return [names for names in words.values() if len(names) > 1][:3]


def test_no_two_claims_have_the_same_label() -> None:
    found = defaultdict(list)
    for claim in claims():
        found[kernel.label(claim)].append(kernel.spelled(**claim))
    assert len(found) > 1000
    assert shared(found) == []


@pytest.mark.parametrize("op", list(kernel.OPERATIONS))
def test_no_two_claims_have_the_same_heads_in_a_table(op: str) -> None:
    found = defaultdict(list)
    for claim in claims():
        if claim["op"] == op:
            found[str(kernel.facets(claim))].append(kernel.spelled(**claim))
    assert found
    assert shared(found) == []


def test_no_two_claims_have_the_same_id() -> None:
    ids = [kernel.spelled(**claim) for claim in claims()]
    assert len(set(ids)) == len(ids)


@pytest.mark.parametrize(
    ("op", "form"),
    [
        ("gap_share", "change"),
        ("gap_share", "points"),
        ("eta_squared", "change"),
        ("contribution", "percent"),
        ("difference", "percent"),
        ("difference_interval", "percent"),
        ("gap_part", "change"),
        ("count", "percent"),
    ],
)
def test_a_number_is_shown_in_no_form_that_would_mean_another(op: str, form: str) -> None:
    with pytest.raises(kernel.Unreadable, match=f"{op} cannot be shown as '{form}'"):
        kernel.formatted({"op": op, "value": "1/2", "args": {}}, form)
