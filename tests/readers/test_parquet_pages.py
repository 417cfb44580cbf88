"""A Parquet page that was harmed is noticed where its writer stored a checksum, and where not."""

from __future__ import annotations

import io
import random

import polars
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eval_autopsy.kernel import Unreadable
from eval_autopsy.readers.parquet_pages import check_pages

from .parquet_maker import Maker


def test_the_maker_makes_what_polars_reads() -> None:
    assert polars.read_parquet(io.BytesIO(Maker().file()))["id"].to_list() == [1, 2, 3]


def test_good_pages_give_the_number_of_values() -> None:
    assert check_pages(Maker().file(), "x.parquet") == [3]


def test_every_flipped_bit_of_a_page_with_a_checksum_is_noticed() -> None:
    good = Maker(numbers=tuple(range(20))).file()
    start = good.index((0).to_bytes(4, "little") + (1).to_bytes(4, "little"))
    for bit in range(8 * 4 * 20):
        bad = bytearray(good)
        bad[start + bit // 8] ^= 1 << bit % 8
        with pytest.raises(Unreadable, match="a page does not have its checksum"):
            check_pages(bytes(bad), "x.parquet")


def test_a_page_without_a_checksum_is_not_said_to_be_harmed() -> None:
    assert check_pages(Maker(checksum=False).file(), "x.parquet") == [3]


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (Maker(page_values=2), "its pages hold 2 values, expected 3"),
        (Maker(chunk_values=4), "its pages hold 3 values, expected 4"),
        (Maker(page_size=900), "a length points past the end"),
        (Maker(page_size=-1), "a length points past the end"),
        (Maker(start=0), "a column points outside the file"),
        (Maker(start=10**9), "a column points outside the file"),
        (Maker(file_path="/etc/passwd"), "its data lies in another file"),
    ],
    ids=["too few", "too many", "too long", "negative", "before", "after", "elsewhere"],
)
def test_a_footer_that_says_something_else_than_the_pages_is_noticed(
    wrong: Maker, said: str
) -> None:
    with pytest.raises(Unreadable) as caught:
        check_pages(wrong.file(), "x.parquet")
    assert caught.value.what == f"the Parquet file is damaged: {said}"


def test_a_harmed_page_names_its_column() -> None:
    with pytest.raises(Unreadable) as caught:
        check_pages(Maker(page_values=2).file(), "x.parquet")
    assert caught.value.where == "x.parquet: id"


@pytest.mark.parametrize("options", [{}, {"compression": "snappy"}, {"row_group_size": 100}])
def test_what_polars_writes_is_good(options: dict[str, object]) -> None:
    frame = polars.DataFrame(
        {
            "id": [str(n) for n in range(500)],
            "half": [None if n % 3 else n / 2 for n in range(500)],
            "list": [list(range(n % 4)) or None for n in range(500)],
            "deep": [{"a": [{"b": n}] * (n % 3)} for n in range(500)],
        }
    )
    raw = io.BytesIO()
    frame.write_parquet(raw, **options)  # type: ignore[arg-type]
    values = check_pages(raw.getvalue(), "x.parquet")
    assert values[:2] == [500, 500]
    # A list that is null or empty takes the place of one value.
    assert values[2:] == [
        sum(max(n % 4, 1) for n in range(500)),
        sum(max(n % 3, 1) for n in range(500)),
    ]


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=60), st.integers(0, 2**32 - 1))
def test_no_bytes_give_a_traceback(noise: bytes, size: int) -> None:
    raw = b"PAR1" + noise + size.to_bytes(4, "little") + b"PAR1"
    with pytest.raises(Unreadable):
        check_pages(raw, "x.parquet")


def test_no_harm_to_a_file_gives_a_traceback() -> None:
    good = Maker(checksum=False).file()
    draws = random.Random(7)
    noticed = 0
    for _ in range(2000):
        bad = bytearray(good)
        for _ in range(draws.randint(1, 4)):
            bad[draws.randrange(len(bad))] = draws.randrange(256)
        try:
            check_pages(bytes(bad), "x.parquet")
        except Unreadable:
            noticed += 1
    assert noticed > 1000
