from __future__ import annotations

from .brute import Count, all_of, every_slice, score, top_scores

ROWS = [
    {"plan": "free", "language": "de"},
    {"plan": "free", "language": "en"},
    {"plan": "paid", "language": "de"},
    {"plan": "free", "language": "de"},
]
WRONG = [True, False, False, True]


def test_every_conjunction_that_some_row_fits_is_counted_once_for_each_row() -> None:
    free, paid, de, en = ("plan", "free"), ("plan", "paid"), ("language", "de"), ("language", "en")
    assert every_slice(ROWS, WRONG) == {
        (free,): Count(3, 2),
        (paid,): Count(1, 0),
        (de,): Count(3, 2),
        (en,): Count(1, 0),
        (de, free): Count(2, 2),
        (en, free): Count(1, 0),
        (de, paid): Count(1, 0),
    }
    assert set(every_slice(ROWS, WRONG, depth=1)) == {(free,), (paid,), (de,), (en,)}


def test_a_score_is_the_errors_beyond_the_share_times_all_rows() -> None:
    # Half of all are wrong: of 2 rows, 1 would be, and 2 are.
    assert score(Count(2, 2), all_of(WRONG)) == (2 - 1) * 4


def test_top_scores_leave_out_what_is_small_or_no_worse_than_all() -> None:
    slices, total = every_slice(ROWS, WRONG), all_of(WRONG)
    assert top_scores(slices, total) == [4, 2, 2]
    assert top_scores(slices, total, top=2) == [4, 2]
    assert top_scores(slices, total, min_support=3) == [2, 2]
