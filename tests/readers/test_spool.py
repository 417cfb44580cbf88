"""What is gathered in a temporary file comes back as it was."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval_autopsy import kernel
from eval_autopsy.readers import spool as spools
from eval_autopsy.readers.spool import Spool

VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.decimals(allow_nan=False, allow_infinity=False)
    | st.text(alphabet=st.characters(codec="utf-8")),
    lambda inner: st.lists(inner) | st.dictionaries(st.text("abc"), inner),
    max_leaves=8,
)


@given(st.lists(st.tuples(st.sampled_from("abc"), VALUES)))
def test_what_is_gathered_comes_back_as_it_was(pairs: list[tuple[str, Any]]) -> None:
    spool = Spool()
    wanted: dict[str, list[Any]] = {}
    for key, value in pairs:
        spool.add(key, value)
        wanted.setdefault(key, []).append(value)
    found = dict(spool)
    assert (found, list(found)) == (wanted, list(wanted))
    assert repr(found) == repr(wanted)  # 1.0 is not 1, and true is not 1


def test_what_does_not_fit_in_memory_comes_back_from_the_disk(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(spools, "IN_MEMORY", 100)
    spool = Spool()
    for number in range(100):
        spool.add(f"{number % 7}", ["é" * 50, number])
    assert {key: [one[1] for one in values] for key, values in spool} == {
        f"{first}": list(range(first, 100, 7)) for first in range(7)
    }


def test_a_full_disk_is_one_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: bytes) -> int:
        raise OSError(28, "No space left on device")

    spool = Spool()
    monkeypatch.setattr(spool._file, "write", full)
    with pytest.raises(kernel.Unreadable, match="cannot be written: No space left") as caught:
        spool.add("a", 1)
    assert "TMPDIR" in caught.value.remedy
