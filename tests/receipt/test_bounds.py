"""What a hostile text can cost a verification is in proportion to its length."""

from __future__ import annotations

import pytest

from eval_autopsy import kernel
from eval_autopsy.receipt.prove import time_bound

LENGTH = 100_000  # at the cost of its square, a minute each and more
TEXTS = {
    "spaces": " " * LENGTH + "x",
    "spaces after a label": "a: b" + " " * LENGTH + "!",
    "spaces after a comma": "a: b," + " " * LENGTH + "!",
    "tabs": "\t" * LENGTH + "x",
    "blank lines": "\n" * LENGTH + "x",
    "blank lines of a space": "\n " * LENGTH + "x",
    "an open tag": "<" + "a" * LENGTH,
    "bars": "|" * LENGTH + "x",
    "digits": "1" * LENGTH + "-",
    "digits and dots": "1." * LENGTH,
    "groups of digits": "1," * LENGTH,
    "brackets": "[" * LENGTH,
    "backticks": "`" * LENGTH,
    "labels": "a:" * LENGTH,
    "beginnings of a refusal": "I am " * LENGTH,
    "months": "Jan " * LENGTH,
}


@pytest.mark.parametrize("text", list(TEXTS))
@pytest.mark.parametrize("feature", list(kernel.FEATURES))
def test_no_text_makes_a_feature_take_the_square_of_its_length(feature: str, text: str) -> None:
    with time_bound(15):
        kernel.FEATURES[feature](TEXTS[text])


@pytest.mark.parametrize("text", list(TEXTS))
def test_no_text_makes_quoting_take_the_square_of_its_length(text: str) -> None:
    with time_bound(15):
        kernel.code(TEXTS[text])
        kernel.block(TEXTS[text])
        kernel.amount(TEXTS[text])
        list(kernel.numbers_in([TEXTS[text]]))
