"""The first screen: what some files say, without a question being answered first."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars
import pytest

import eval_autopsy as autopsy
from eval_autopsy.case.unwritten import Said
from eval_autopsy.cli.first_view import lines_of
from eval_autopsy.errors import CannotRead
from eval_autopsy.first_screen import look
from eval_autopsy.questions.promise import Judged, promise_of, threshold_of
from eval_autopsy.screen import FirstScreen

ROOT = Path(__file__).resolve().parents[1]
SAMPLES = ROOT / "tests" / "samples"
Row = dict[str, Any]
Write = Callable[[str, Iterable[Row]], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def to(name: str, records: Iterable[Row]) -> Path:
        path = tmp_path / name
        path.write_text("".join(json.dumps(one) + "\n" for one in records), encoding="utf-8")
        return path

    return to


def records(count: int, wrong: Iterable[int] = (), **more: Any) -> list[Row]:
    """Records of which some, by their numbers, are wrong; every third is in French."""
    bad = set(wrong)
    return [
        {
            "id": f"r{n}",
            "output": "no" if n in bad else "yes",
            "label": "yes",
            "lang": "fr" if n % 3 == 0 else "en",
            **more,
        }
        for n in range(count)
    ]


def test_the_invoice_case_is_told_in_a_dozen_numbers() -> None:
    screen = look(ROOT / "examples" / "invoice-extraction")
    assert (screen.eval, screen.production) == ((400, 400), (345, 400))
    assert screen.gap is not None
    assert screen.gap.value == Decimal("-0.1375")
    assert screen.silent is not None
    assert (screen.silent.wrong, screen.silent.silent) == (55, 49)
    never = [one for one in screen.slices.breakdowns[0].slices if not one.production.k]  # type: ignore[union-attr]
    assert {(one.where["shift_type"], one.wrong) for one in never} == {
        ("reorder", 36),
        ("verbose", 8),
        ("compact", 6),
        ("mixed", 5),
    }


def test_two_logs_of_inspect_give_the_facts_about_them() -> None:
    facts = json.loads((SAMPLES / "inspect_ai" / "facts_prod.json").read_text())
    screen = look(SAMPLES / "inspect_ai")
    assert screen.comparison == "two-sets"
    assert screen.production == (
        facts["n_ok"] - 1,
        facts["n"] - 1,
    )  # the failed call was planned ok
    assert screen.unscored is not None
    assert screen.unscored["production"] == {"errored": 1}
    worst = screen.found[0]
    assert dict(worst.where) == {"lang": "de", "topic": "refund"}
    assert all(one.same for _, one in screen.reconciled)


def test_two_runs_of_the_same_tasks_are_compared_in_pairs(tmp_path: Path, write: Write) -> None:
    write("first.jsonl", records(60, range(10), created="2026-01-01"))
    write("second.jsonl", records(60, range(5, 25), created="2026-01-02"))
    screen = look(tmp_path)
    assert screen.comparison == "paired"
    assert screen.paired is not None
    assert screen.paired.pairs == (35, 15, 5, 5)
    assert screen.to_dict()["paired"]["p"] == "0.041389465332"  # 2 * sum C(20, k <= 5) / 2**20


def test_the_gap_of_pairs_is_not_split_as_that_of_all_records(tmp_path: Path, write: Write) -> None:
    write("a.jsonl", records(60))
    write("b.jsonl", records(80, wrong=range(10, 50)))
    screen = look(tmp_path)
    assert screen.paired is not None
    assert screen.waterfall is None


def test_tasks_that_only_one_run_has_are_counted_and_not_compared(
    tmp_path: Path, write: Write
) -> None:
    write("first.jsonl", records(60, range(10), created="2026-01-01"))
    write("second.jsonl", records(50, range(5), created="2026-01-02"))
    paired = look(tmp_path).paired
    assert paired is not None
    assert paired.pairs.n == 50
    assert paired.only == {"first run": 10, "second run": 0}


def test_one_set_is_searched_for_what_is_worse_than_its_rest(tmp_path: Path, write: Write) -> None:
    write("eval.jsonl", records(120, range(0, 120, 3)))
    screen = look(tmp_path)
    assert screen.comparison == "one-set"
    assert (screen.eval, screen.production) == ((80, 120), None)
    assert [dict(one.where) for one in screen.found] == [{"lang": "fr"}]
    assert "one set" in screen.cannot_conclude[0].what


def test_a_set_without_labels_says_which_are_missing(tmp_path: Path, write: Write) -> None:
    write("eval.jsonl", ({"id": n, "output": "yes"} for n in range(40)))
    screen = look(tmp_path)
    assert screen.eval is None
    assert "which answers are right" in screen.cannot_conclude[0].what


def test_few_records_are_counted_and_not_searched(tmp_path: Path, write: Write) -> None:
    write("eval.jsonl", records(20))
    write("production.jsonl", records(20, range(4)))
    screen = look(tmp_path)
    assert (screen.eval, screen.production) == ((20, 20), (16, 20))
    assert screen.searched == 0
    assert screen.cannot_conclude[0].records == 30


def test_a_gap_that_may_be_chance_says_how_many_records_settle_it(
    tmp_path: Path, write: Write
) -> None:
    write("eval.jsonl", records(100, range(10)))
    write("production.jsonl", records(100, range(12)))
    unknown = look(tmp_path).cannot_conclude[0]
    assert "chance" in unknown.what
    assert unknown.records is not None
    # Newcombe's interval of 88 against 90 of 100 is about 17.5 points wide, for a gap of two.
    assert 1700 < unknown.records < 2200


def test_lines_that_cannot_be_read_are_set_aside_and_counted(tmp_path: Path, write: Write) -> None:
    write("eval.jsonl", records(40))
    path = write("production.jsonl", records(40, range(4)))
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join([*lines[:20], '{"id": "r20", "out\n', *lines[20:]]))
    screen = look(tmp_path)
    assert screen.production == (36, 40)
    assert {one.path: one.set_aside for one in screen.files} == {
        "eval.jsonl": 0,
        "production.jsonl": 1,
    }


def test_damaged_rows_of_a_table_are_set_aside_and_named(tmp_path: Path, write: Write) -> None:
    header = "id,output,label,lang\n"
    rows = [f"r{n},yes,yes,en\n" for n in range(40)]
    (tmp_path / "eval.csv").write_text(header + "".join(rows), encoding="utf-8")
    rows[20:20] = ["r99,yes, or no,yes,en\n"]
    production = tmp_path / "production.csv"
    production.write_text(header + "".join(rows), encoding="utf-8")
    screen = look(tmp_path)
    assert screen.production == (40, 40)
    begins = production.read_bytes().index(b"r99")
    (line,) = (one for one in lines_of(screen) if one.head == "set aside")
    assert line.text == f"production.csv at line 22, byte {begins}: found 5 cells, expected 4"
    assert lines_of(screen)[0].text.endswith("1 set aside (1.23%)")  # of 81


def test_an_open_quote_in_a_table_leaves_it_unread(tmp_path: Path, write: Write) -> None:
    write("eval.jsonl", records(40))
    text = "id,output,label\n" + "r1,yes,yes\n" * 3 + 'r2,"yes,yes\n' + "r3,yes,yes\n" * 3
    (tmp_path / "production.csv").write_text(text, encoding="utf-8")
    (line,) = (one for one in lines_of(look(tmp_path)) if one.head == "unread")
    assert "a quote is opened and not closed: lines 5 to 8 are inside" in line.text


def test_fields_may_have_other_names_in_production(tmp_path: Path, write: Write) -> None:
    write("eval.jsonl", records(40))
    write(
        "production.jsonl",
        (
            {
                "request_id": f"q{n}",
                "answer": "yes" if n > 4 else "no",
                "truth": "yes",
                "lang": "en",
            }
            for n in range(40)
        ),
    )
    screen = look(tmp_path)
    assert (screen.eval, screen.production) == ((40, 40), (35, 40))
    assert any("'request_id'" in note for note in screen.notes)


def test_a_folder_without_data_is_an_error_that_says_what_is_read(tmp_path: Path) -> None:
    with pytest.raises(CannotRead, match="no data"):
        look(tmp_path)


def test_a_file_that_nobody_knows_is_shown_as_it_begins(tmp_path: Path, write: Write) -> None:
    write("things.jsonl", ({"a": n, "b": n} for n in range(5)))
    screen = look(tmp_path)
    assert screen.comparison is None
    assert '{"a": 0' in screen.cannot_conclude[0].settled_by


def test_a_log_that_is_nearly_known_is_told_the_nearest_formats(
    tmp_path: Path, write: Write
) -> None:
    write("log.jsonl", ({"doc_id": n, "filtered_resp": "a", "doc_hash": "b"} for n in range(5)))
    said = look(tmp_path).cannot_conclude[0].settled_by
    assert "the nearest formats are lm-evaluation-harness, " in said


def judged(*pairs: tuple[str, bool]) -> list[Judged]:
    rows = enumerate(pairs)
    return [Judged(Decimal(confidence), right, str(i)) for i, (confidence, right) in rows]


def test_a_threshold_is_the_lowest_that_keeps_its_promise_on_eval() -> None:
    # 20 of 20 right at 0.9; 38 of 40 (0.95) from 0.8 on; 40 of 43 from 0.7 on.
    eval_ = judged(
        *[("0.9", True)] * 20,
        *[("0.8", True)] * 18,
        *[("0.8", False)] * 2,
        *[("0.7", True)] * 2,
        ("0.7", False),
    )
    assert threshold_of(eval_) == Decimal("0.8")
    production = judged(*[("0.85", True)] * 15, *[("0.85", False)] * 15, ("0.1", True))
    promise = promise_of(eval_, production)
    assert promise is not None
    assert (promise.eval, promise.production) == ((38, 40), (15, 30))
    assert not promise.kept


def test_without_enough_records_of_eval_nothing_is_promised() -> None:
    assert threshold_of(judged(*[("0.9", True)] * 19)) is None


def test_a_notebook_shows_the_rates_with_what_data_hold_escaped(
    tmp_path: Path, write: Write
) -> None:
    bad = [{**one, "lang": "<b>fr" if one["lang"] == "fr" else "en"} for one in records(120)]
    write("eval.jsonl", records(120))
    write(
        "production.jsonl", ({**one, "output": "no"} if "<" in one["lang"] else one for one in bad)
    )
    shown = autopsy.look(tmp_path)._repr_html_()
    assert "<td>production</td><td>80</td><td>120</td>" in shown
    assert "&lt;b&gt;fr" in shown
    assert "<b>fr" not in shown


def test_labels_in_one_set_alone_give_that_set(tmp_path: Path, write: Write) -> None:
    write("eval.jsonl", records(60, range(6)))
    write("production.jsonl", ({"id": f"p{n}", "output": "yes"} for n in range(60)))
    screen = look(tmp_path)
    assert screen.comparison == "one-set"
    assert (screen.eval, screen.production) == ((54, 60), None)
    assert screen.also == "production.jsonl: nothing says which answers are right"


def test_a_verdict_under_another_name_is_no_slice(tmp_path: Path, write: Write) -> None:
    for name, wrong in (("eval", range(6)), ("production", range(30))):
        graded = records(120, wrong)
        write(f"{name}.jsonl", ({**one, "grade": f"{one['output']}!"} for one in graded))
    found = look(tmp_path)
    assert not [one for one in found.found if "grade" in one.where]


def test_a_score_that_is_no_number_is_none_which_the_screen_says(tmp_path: Path) -> None:
    nan, infinite = float("nan"), float("inf")
    for split, scores in (("eval", [1.0] * 40), ("production", [1.0, 0.0, nan, infinite] * 10)):
        ids = [f"{split}{n}" for n in range(40)]
        polars.DataFrame({"id": ids, "score": scores}).write_parquet(tmp_path / f"{split}.parquet")
    screen = look(tmp_path)
    assert screen.production == (10, 20)
    assert screen.unscored == {"eval": {}, "production": {"unscored": 20}}
    assert screen.no_numbers == {"production.parquet": {"score": 20}}
    assert "20 of score" in said(tmp_path)["no value"]


def test_an_id_that_stands_twice_is_of_two_attempts_which_the_screen_says(
    tmp_path: Path, write: Write
) -> None:
    write("eval.jsonl", records(40))
    write("production.jsonl", [*records(40), *records(1)])
    screen = look(tmp_path)
    assert (screen.eval, screen.production) == ((40, 40), (41, 41))
    assert screen.attempts == {"production.jsonl": 1}
    assert said(tmp_path)["attempts"].startswith("1 in production.jsonl: ")


def said(folder: Path) -> dict[str, str]:
    """The text of each line of the screen of a folder, by what the line is about."""
    return {line.head: line.text for line in lines_of(look(folder))}


def test_production_that_is_a_copy_of_eval_is_no_comparison(tmp_path: Path, write: Write) -> None:
    write("eval.jsonl", records(100, range(7)))
    write("production.jsonl", records(60, range(7)))
    lines = said(tmp_path)
    assert "60 of its 60 records are those of eval, answer for answer" in lines["unknown"]
    assert "gap" not in lines


def test_other_records_with_the_same_answers_are_compared(tmp_path: Path, write: Write) -> None:
    write("eval.jsonl", records(100, range(7)))
    write("production.jsonl", ({**one, "id": f"p{one['id']}"} for one in records(100, range(7))))
    lines = said(tmp_path)
    # Newcombe's interval of 93 against 93 of 100 goes to 7.63 points on either side.
    assert lines["gap"].startswith("0 points")
    assert "chance could hide one of 7.63 points" in lines["unknown"]


def test_the_same_log_twice_is_read_once_and_said(tmp_path: Path, write: Write) -> None:
    for name in ("a.jsonl", "b.jsonl"):
        write(name, records(100, range(7)))
    lines = said(tmp_path)
    assert lines["left out"] == "b.jsonl: the same answers to the same tasks are in a.jsonl"
    assert "--eval" not in lines["unknown"]  # there is nothing to declare


def test_two_unrelated_tables_are_told_how_to_say_which_is_which(
    tmp_path: Path, write: Write
) -> None:
    write("tickets.jsonl", records(60))
    write("sales.jsonl", ({"id": f"s{n}", "text": f"t{n}", "score": n % 2} for n in range(50)))
    lines = said(tmp_path)
    assert lines["left out"].startswith("sales.jsonl: no name says which file is eval")
    assert "`autopsy slices --eval FILE --production FILE`" in lines["unknown"]


@pytest.mark.parametrize(
    ("verdicts", "what", "remedy"),
    [
        (
            ("ok", "bad"),
            "the field 'x' holds ok and bad",
            "write it as true and false, and name it",
        ),
        ((True, False), "the field 'x' holds True and False", "name it with --correct x, or as"),
    ],
    ids=["words", "verdicts"],
)
def test_a_verdict_that_no_name_gives_away_is_asked_for(
    tmp_path: Path, write: Write, verdicts: tuple[object, object], what: str, remedy: str
) -> None:
    rows = ({"id": n, "prompt": f"q{n}", "x": verdicts[n % 2]} for n in range(60))
    write("eval.jsonl", rows)
    (unknown,) = look(tmp_path).cannot_conclude
    assert what in unknown.what
    assert remedy in unknown.remedy
    assert '--correct x, or as score = "x" under [fields]' in unknown.remedy


def test_a_folder_of_links_says_that_they_are_not_followed(tmp_path: Path, write: Write) -> None:
    write("eval.jsonl", records(40))
    folder = tmp_path / "links"
    folder.mkdir()
    for name in ("a.jsonl", "b.jsonl"):
        (folder / name).symlink_to(tmp_path / "eval.jsonl")
    with pytest.raises(CannotRead, match="2 links lead out of the folder and are not followed"):
        look(folder)


def test_a_link_to_a_file_that_is_here_anyway_is_not_worth_a_word(
    tmp_path: Path, write: Write
) -> None:
    (tmp_path / "latest.jsonl").symlink_to(write("eval.jsonl", records(40)))
    assert look(tmp_path).links == ()
    assert len(look(tmp_path).files) == 1


def test_one_record_is_no_records(tmp_path: Path, write: Write) -> None:
    write("eval.jsonl", records(1))
    screen = look(tmp_path)
    assert lines_of(screen)[0].text.startswith("1 file · 1 record ·")
    assert "1 scored record is too few" in screen.cannot_conclude[0].what


def test_a_field_that_only_tells_the_split_does_not_hide_the_slices(
    tmp_path: Path, write: Write
) -> None:
    before = records(300, range(100, 115), model="a")
    after = [{**one, "id": f"p{one['id']}"} for one in records(300, range(0, 240, 3), model="b")]
    write("eval.jsonl", before)
    write("production.jsonl", after)
    screen = look(tmp_path)
    assert [one.where for one in screen.found] == [{"lang": "fr"}]
    assert [one.to_dict()["wrong"] for one in screen.found] == [80]
    aside = dict(autopsy.open(tmp_path).slices().set_aside)
    assert aside["model"] == "not searched: it only tells production from eval"


def test_a_field_of_which_eval_has_a_level_of_production_is_searched_by(
    tmp_path: Path, write: Write
) -> None:
    before = [{**one, "model": "b" if n else "a"} for n, one in enumerate(records(300, range(9)))]
    after = [{**one, "id": f"p{one['id']}"} for one in records(300, range(0, 240, 3), model="b")]
    write("eval.jsonl", before)
    write("production.jsonl", after)
    assert "model" not in dict(autopsy.open(tmp_path).slices().set_aside)


def test_guessed_fields_are_doubted_first_where_nothing_is_right(
    tmp_path: Path, write: Write
) -> None:
    write("eval.jsonl", records(100, range(5)))
    write("production.jsonl", records(100, range(100)))
    screen = look(tmp_path)
    assert screen.doubt.startswith("nothing is right (0 of 100 in production): ")
    lines = lines_of(screen)
    assert [one.head for one in lines if one.head in ("check", "where", "made of")] == ["check"]
    assert [one for one in screen.next if not one.startswith("autopsy init ")] == []
    for named in ("'output'", "--output", "'label'", "--expected"):
        assert named in screen.doubt


def test_a_guessed_score_that_is_next_to_never_true_is_doubted_in_each_run(
    tmp_path: Path, write: Write
) -> None:
    runs = [[{"id": f"r{n}", "passed": n == way} for n in range(200)] for way in (1, 2)]
    for name, rows in zip(("eval", "production"), runs, strict=True):
        write(f"{name}.jsonl", rows)
    doubt = look(tmp_path).doubt
    assert doubt.startswith("next to nothing is right (1 of 200 in ")
    assert doubt.count("'passed' is the score (--correct)") == 1


def test_fields_that_somebody_named_are_not_doubted_and_no_level_is_blamed(
    tmp_path: Path, write: Write
) -> None:
    files = (write("eval.jsonl", records(100, range(5))),)
    wrong = (write("production.jsonl", records(100, range(100))),)
    screen = look(said=Said(eval=files, production=wrong, output="output", expected="label"))
    assert screen.doubt == ""
    where = [one.text for one in lines_of(screen) if one.head == "where"]
    assert where == [f"no slice stands out, of {screen.searched:,} searched"]


def test_a_set_of_which_few_are_right_is_not_doubted(tmp_path: Path, write: Write) -> None:
    write("eval.jsonl", records(100, range(5)))
    write("production.jsonl", records(100, range(98)))
    assert look(tmp_path).doubt == ""


def test_failed_calls_of_a_table_are_said_to_count_as_wrong(tmp_path: Path, write: Write) -> None:
    for name, failed in (("eval", 4), ("production", 7)):
        rows = records(100, range(90, 95))
        calls = [{**one, "error": "timeout" if n < failed else None} for n, one in enumerate(rows)]
        write(f"{name}.jsonl", calls)
    screen = look(tmp_path)
    assert (screen.eval, screen.production) == ((91, 100), (88, 100))
    scorer = next(one.text for one in lines_of(screen) if one.head == "scorer")
    assert scorer.startswith("recomputed on 189 of 200, no suspects")
    assert scorer.endswith("; 11 failed calls count as wrong here")


@pytest.mark.parametrize("named", [False, True], ids=["a folder", "options"])
def test_a_field_that_only_eval_has_leaves_eval_to_be_looked_at(
    named: bool, tmp_path: Path, write: Write
) -> None:
    labels = ("billing", "refund", "shipping")
    live = [{"id": f"r{i}", "question": f"question {i}", "reply": labels[i % 3]} for i in range(60)]
    tested = [{**one, "intended": "refund"} for one in live]
    before, after = write("eval.jsonl", tested), write("production.jsonl", live)
    said = Said(output="reply", expected="intended")
    if named:
        screen = look(said=replace(said, eval=(before,), production=(after,)))
    else:
        screen = look(tmp_path, said=said)
    assert (screen.eval, screen.production) == ((20, 60), None)
    assert "no record of production has 'intended' (--expected)" in screen.also
    (following,) = screen.next
    assert following == f"autopsy audit {before} --output reply --expected intended"


def test_a_field_that_no_set_has_is_an_error(tmp_path: Path, write: Write) -> None:
    write("eval.jsonl", records(20))
    write("production.jsonl", records(20))
    with pytest.raises(CannotRead, match="there is no field 'labell'"):
        look(tmp_path, said=Said(output="output", expected="labell"))


def silent_line(screen: FirstScreen) -> str:
    return next(line.text for line in lines_of(screen) if line.head == "silent")


def test_guards_that_nobody_named_are_said_to_be_assumed(tmp_path: Path, write: Write) -> None:
    write("eval.jsonl", records(40))
    write("production.jsonl", records(40, wrong=range(8)))
    screen = look(tmp_path)
    assert silent_line(screen) == (
        "8 of 8 wrong answers pass the guards that are assumed (no_exception stops 0, not_blank "
        "stops 0): name your own under [guards] of a case, which `autopsy init` writes"
    )
    assert screen.to_dict()["silent"]["assumed"] is True


def test_guards_that_a_case_names_are_not_said_to_be_assumed() -> None:
    screen = look(ROOT / "examples" / "invoice-extraction")
    assert silent_line(screen).startswith("49 of 55 wrong answers pass every guard (")
    assert screen.to_dict()["silent"]["assumed"] is False
