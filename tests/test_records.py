"""A record says what the file says, and keeps what is absent apart from what is null."""

from __future__ import annotations

import dataclasses
from decimal import Decimal

import pytest

from eval_autopsy import kernel
from eval_autopsy.records import SPLITS, Record


def test_there_are_two_splits_and_eval_comes_first() -> None:
    assert SPLITS == ("eval", "production")


def test_an_absent_output_is_not_a_null_output() -> None:
    absent = Record(id="a", split="eval", where="eval.jsonl:1")
    null = Record(id="a", split="eval", where="eval.jsonl:1", output=None)
    assert absent.output is kernel.MISSING
    assert null.output is None
    assert absent != null


@pytest.mark.parametrize("name", ["input", "expected", "output", "score"])
def test_what_can_be_null_is_missing_when_it_is_absent(name: str) -> None:
    assert getattr(Record(id="a", split="eval", where="f:1"), name) is kernel.MISSING


@pytest.mark.parametrize("name", ["error", "confidence", "timestamp", "latency", "cost", "cluster"])
def test_anything_else_is_none_when_it_is_not_known(name: str) -> None:
    assert getattr(Record(id="a", split="eval", where="f:1"), name) is None


def test_a_record_cannot_be_changed() -> None:
    record = Record(id="a", split="eval", where="f:1", confidence=Decimal("0.9"))
    with pytest.raises(dataclasses.FrozenInstanceError):
        record.confidence = Decimal(1)  # type: ignore[misc]
