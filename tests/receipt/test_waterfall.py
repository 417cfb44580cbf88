"""What the report says of the gap's parts is what the counts carry."""

from __future__ import annotations

from .conftest import Benches


def report_of(bench: Benches, name: str) -> str:
    raw = bench(name).original.files["REPORT.md"]
    return raw.decode("utf-8")


def test_a_gap_without_overlap_is_not_split(bench: Benches) -> None:
    report = report_of(bench, "invoice")
    assert "By `shift_type` the change cannot be split: no overlap." in report
    assert "\n| uncovered | -13.75 | [-17.47, -10.57] | -13.75 | -13.75 |\n" in report
    assert "\n| rate |" not in report
    assert "\n| mix |" not in report


def test_a_gap_with_overlap_is_split_with_an_interval_of_each_part(bench: Benches) -> None:
    report = report_of(bench, "scores")
    assert "no overlap" not in report
    for part in ("uncovered", "rate", "mix", "eval only"):
        rows = [line for line in report.splitlines() if line.startswith(f"| {part} |")]
        assert len(rows) == 2, part  # of two attributes
        assert all(row.count("[") == 1 for row in rows), part


def test_what_nobody_has_seen_is_estimated_where_a_new_slice_was_seen_once(
    bench: Benches,
) -> None:
    # Of 39 scored records of production one is of a kind that neither split has another of.
    assert "hold an estimated 2.56% [0%, 7.52%] of production traffic" in report_of(bench, "scores")
    assert "hold an estimated" not in report_of(bench, "invoice")
