"""What an input states of the answer, and when that says nothing."""

from __future__ import annotations

from eval_autopsy.kernel import MISSING, labelled
from eval_autopsy.questions.judged import Judged
from eval_autopsy.questions.labelled import References
from eval_autopsy.records import Record


def judged(text: object, expected: object, output: object = MISSING) -> Judged:
    record = Record(id="1", split="eval", where="a:1", input=text, expected=expected, output=output)
    return Judged(record=record, score=True)


def bills(number: int) -> list[Judged]:
    """Bills whose truth is what stands after Amount due and Date."""
    days = [f"2024-01-{i % 28 + 1:02d}" for i in range(number)]
    return [
        judged(
            f"Previous balance: ${i + 7}.10\nAmount due: ${i + 100}.50\nDate: {day}",
            {"amount": f"{i + 100}.50", "date": day},
            {"amount": f"${i + 100}.5", "date": day},
        )
        for i, day in enumerate(days)
    ]


def test_labels_are_read_with_any_delimiter_and_several_on_a_line() -> None:
    text = "Vendor -> A Ltd\nDate = 2024-01-02; Total: $5.00\nhttp://x.org\nNote: a\nNote: b"
    assert labelled(text) == {"vendor": "A Ltd", "date": "2024-01-02", "total": "$5.00"}
    assert labelled(None) == labelled("no labels here") == {}


def test_a_truth_that_is_another_labels_value_is_contradicted() -> None:
    records = bills(30)
    records.append(
        judged(
            "Previous balance: $3.10\nAmount due: $9.50\nDate: 2024-01-05",
            {"amount": "3.10", "date": "2024-01-05"},
            {"amount": "3.10", "date": "2024-01-05"},
        )
    )
    known = References(records)
    assert list(known.contradictions) == [30]
    found = known.contradictions[30]
    assert (found.field, found.label, found.stated) == ("amount", "amount due", "$9.50")
    assert known.verdicts == [True] * 30 + [False]


def test_another_form_of_a_value_says_nothing() -> None:
    written = "Previous balance: $3.10\nAmount due: $9.50\nDate: 5 January 2024"
    answer = {"amount": "9.50", "date": "2024-01-05"}
    known = References([*bills(30), judged(written, answer, answer)])
    assert known.contradictions == {}
    assert known.verdicts[30] is None


def test_a_longer_name_for_the_same_says_nothing() -> None:
    records = [judged(f"Name: {c} Works", f"{c} Works", f"{c} Works") for c in "abcdefghijkl"]
    known = References([*records, judged("Name: Okafor Ltd (UK)", "Okafor Ltd", "Okafor Ltd")])
    assert known.contradictions == {}


def test_there_is_no_rule_where_inputs_do_not_state_the_answer() -> None:
    records = [judged(f"Question: what is {i} and {i}?", str(2 * i), str(2 * i)) for i in range(50)]
    known = References(records)
    assert known.contradictions == {}
    assert set(known.verdicts) == {None}


def test_too_few_records_make_no_rule() -> None:
    known = References(bills(9))
    assert set(known.verdicts) == {None}


def test_a_rule_that_fails_in_more_than_a_tenth_is_none() -> None:
    others = [judged(f"Amount due: ${i}.10", {"amount": f"{i + 1}.10"}) for i in range(4)]
    assert References([*bills(30), *others]).contradictions == {}
    assert len(References([*bills(30), *others[:3]]).contradictions) == 3
