"""next, hypothesise, narrate and certify: an investigation of the invoice case, step by step."""

from __future__ import annotations

import io
import json
import re
import shlex
import shutil
from pathlib import Path
from typing import Any

import pytest

from eval_autopsy import kernel
from eval_autopsy.cli.main import MODULES
from eval_autopsy.investigation.steps import NAMES, STEPS

from .conftest import Call

RECEIPT = Path("receipts") / "invoice-extraction"
STATE = Path(".autopsy") / "steps" / "invoice-extraction.jsonl"
STATEMENT = "It reads by position and not by label."
PREDICT = ("--statement", STATEMENT, "--breaks", "swap_first_fields", "--spares", "blank_lines")
WHY = "The failing inputs are short as they are."
STORY = """\
In production {{ rate.production.right.counted | of }} are right.

- measured: {{ rate.production.silent.wrong | of }} wrong answers are silent.
- inferred: they are wrong because fields are read by position.
"""


def standing(call: Call, case: Path) -> dict[str, Any]:
    """What `autopsy next` says."""
    said = call("next", case, "--json")
    assert (said.code, said.err) == (0, "")
    found: dict[str, Any] = json.loads(said.out)
    return found


def done(found: dict[str, Any]) -> list[str]:
    return [one["step"] for one in found["established"]]


@pytest.fixture
def varied(call: Call, case: Path) -> Path:
    """The case with every step done or skipped but the last two."""
    for words in (
        ("next", case),
        ("run", case),
        ("hypothesise", case, *PREDICT),
        ("ablate", case, "--declared", "--calls", "400"),
        ("next", case, "--skip", "shrink", "--reason", WHY),
    ):
        said = call(*words)
        assert said.code == 0, said.err
    return case


@pytest.fixture
def story(folder: Path) -> Path:
    (folder / "story.md").write_text(STORY, encoding="utf-8")
    return Path("story.md")


def narrated(call: Call, case: Path, text: str) -> list[dict[str, Any]]:
    """The problems of a text, of which nothing is taken when there is one."""
    Path("story.md").write_text(text, encoding="utf-8")
    said = call("narrate", case, "--check", "story.md", "--json")
    problems: list[dict[str, Any]] = json.loads(said.out)["problems"]
    assert said.code == (1 if problems else 0)
    return problems


# Where a case stands


def test_a_case_begins_with_its_frame_and_allows_one_step(call: Call, case: Path) -> None:
    found = standing(call, case)
    assert done(found) == ["frame"]
    assert found["established"][0]["says"]["scorer"] == "exact_match"
    assert found["established"][0]["says"]["guards"] == ["no_exception", "not_blank"]
    assert found["step"] == "reproduce"
    assert [one["command"] for one in found["allowed"]] == ["autopsy run case"]
    assert {"step": "ablate", "missing": ["hypothesise"]} in found["refused"]


def test_a_run_establishes_what_needs_no_judgement(call: Call, case: Path) -> None:
    call("run", case)
    found = standing(call, case)
    assert done(found) == ["frame", "reproduce", "quantify", "silence"]
    says = {one["step"]: one["says"] for one in found["established"]}
    assert (says["reproduce"]["production"]["k"], says["reproduce"]["eval"]["k"]) == (345, 400)
    assert says["silence"] == {"wrong": 55, "silent": 49}
    assert (found["step"], found["end"]) == ("hypothesise", None)


@pytest.mark.parametrize(
    ("verb", "steps"),
    [
        ("look", ["frame", "reproduce"]),
        ("slices", ["frame", "reproduce", "quantify", "silence"]),
    ],
)
def test_what_a_verb_shows_of_a_case_is_on_record(
    verb: str, steps: list[str], call: Call, case: Path
) -> None:
    assert call(verb, case).code == 0
    assert done(standing(call, case)) == steps


def test_slices_of_a_part_of_the_records_establish_nothing(call: Call, case: Path) -> None:
    assert call("slices", case, "--where", "shift_type=reorder").code in (0, 2)
    assert done(standing(call, case)) == ["frame"]


def test_a_step_that_is_repeated_is_entered_once(call: Call, case: Path) -> None:
    call("slices", case)
    before = (case / STATE).read_bytes()
    call("slices", case)
    assert (case / STATE).read_bytes() == before


def test_a_case_that_names_no_confidence_has_nothing_to_calibrate(call: Call, case: Path) -> None:
    found = standing(call, case)
    assert {"step": "calibrate", "why": "the case names no confidence"} in found["not_applicable"]


def test_a_case_without_a_system_has_no_cause_to_look_for_by_varying(
    call: Call, folder: Path
) -> None:
    recorded(folder, right=10)
    found = standing(call, Path())
    barred = {one["step"] for one in found["not_applicable"]}
    assert barred == {"calibrate", "hypothesise", "ablate", "shrink"}


def recorded(folder: Path, right: int) -> None:
    """A case of recorded scores, with so many of twenty right in production, and all on eval."""
    for name, some in (("eval", 20), ("production", right)):
        rows = [{"id": f"{name}-{i}", "correct": i < some, "plan": "free"} for i in range(20)]
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (folder / "autopsy.toml").write_text(
        'name = "graded"\n[data]\neval = "eval.jsonl"\nproduction = "production.jsonl"\n'
        '[fields]\nid = "id"\nscore = "correct"\n[slices]\nby = ["plan"]\n'
    )


def test_where_nothing_differs_the_honest_end_is_a_receipt_that_says_so(
    call: Call, folder: Path
) -> None:
    recorded(folder, right=19)
    assert call("run").code == 0
    found = standing(call, Path())
    assert found["end"].startswith("eval and production do not differ beyond chance")
    assert found["step"] == "narrate"
    call("next", "--skip", "narrate", "--reason", "There is nothing to tell.")
    assert call("certify").code == 0
    report = (folder / "receipts" / "graded" / "REPORT.md").read_text(encoding="utf-8")
    assert "these data do not show a difference" in report
    assert "- no cause to look for: eval and production do not differ beyond chance" in report


def test_where_no_answer_is_wrong_there_is_nothing_to_explain(call: Call, folder: Path) -> None:
    recorded(folder, right=20)
    call("run")
    assert standing(call, Path())["end"] == "no answer of production is wrong"


# What is stale


def test_changed_data_makes_what_rests_on_them_stale(call: Call, case: Path) -> None:
    call("run", case)
    lines = (case / "production.jsonl").read_text(encoding="utf-8").splitlines()
    (case / "production.jsonl").write_text("\n".join(lines[:-1]) + "\n", encoding="utf-8")
    found = standing(call, case)
    assert done(found) == ["frame"]
    why = "production.jsonl has changed"
    assert found["stale"] == [
        {"step": step, "why": why} for step in ("reproduce", "quantify", "silence")
    ]


def test_a_changed_case_makes_what_rests_on_it_stale(call: Call, case: Path) -> None:
    call("run", case)
    toml = case / "autopsy.toml"
    toml.write_text(toml.read_text().replace("not_blank = true", ""), encoding="utf-8")
    stale = {one["step"]: one["why"] for one in standing(call, case)["stale"]}
    assert stale["silence"] == "the case has changed"


def test_a_hypothesis_in_the_case_file_leaves_the_measurements_fresh(
    call: Call, case: Path
) -> None:
    call("run", case)
    with open(case / "autopsy.toml", "a", encoding="utf-8") as toml:
        toml.write('\n[[hypothesis]]\nstatement = "By position."\nbreaks = ["swap_labels"]\n')
    assert standing(call, case)["stale"] == []


def test_a_hypothesis_that_came_after_the_ablation_opens_it_again(call: Call, varied: Path) -> None:
    assert "ablate" in done(standing(call, varied))
    other = ("--statement", "Blank lines confuse it.", "--breaks", "blank_lines")
    assert call("hypothesise", varied, *other).code == 0
    found = standing(call, varied)
    assert {"step": "ablate", "why": "a hypothesis came after it"} in found["stale"]
    assert found["step"] == "ablate"


def test_a_line_that_is_none_of_ours_is_named(call: Call, case: Path) -> None:
    call("next", case)
    with open(case / STATE, "a", encoding="utf-8") as file:
        file.write('{"step": "ablate"}\n')
    said = call("next", case)
    assert said.code == 2
    assert f"{case / STATE}:2: this is no entry of an investigation" in said.err


def test_a_run_still_works_where_nothing_can_be_entered(call: Call, case: Path) -> None:
    (case / STATE).parent.mkdir(parents=True)
    (case / STATE).mkdir()
    said = call("slices", case)
    assert said.code == 0
    assert "not entered for `autopsy next`: " in said.err


# What is refused, and skipped


def test_each_step_has_a_verb() -> None:
    built = {step.verb.split()[0] for step in STEPS}
    assert built <= set(MODULES)
    premises = [(step.name, one) for step in STEPS for one in step.premises]
    assert all(NAMES.index(one) < NAMES.index(name) for name, one in premises)


@pytest.mark.parametrize(
    ("words", "missing"),
    [
        (("ablate", "case"), "hypothesise"),
        (("shrink", "p-0030", "case"), "ablate"),
        (("hypothesise", "case", *PREDICT), "quantify, silence"),
        (("narrate", "case", "story.md"), "quantify, silence, hypothesise, ablate, shrink"),
        (("certify", "case"), "narrate"),
    ],
    ids=["ablate", "shrink", "hypothesise", "narrate", "certify"],
)
def test_a_step_that_skips_ahead_is_refused_with_the_premise_and_the_way(
    words: tuple[str, ...], missing: str, call: Call, case: Path, story: Path
) -> None:
    call("next", case)
    said = call(*words)
    assert said.code == 2
    assert f"{words[0]} rests on {missing}, and that is not established." in said.err
    assert "Run `autopsy run case`, or skip a step" in said.err
    assert done(standing(call, case)) == ["frame"]
    assert not Path("receipts").exists()


def test_outside_an_investigation_the_system_can_be_varied_at_once(call: Call, case: Path) -> None:
    said = call("ablate", case, "--change", "swap_first_fields", "--calls", "200")
    assert (said.code, said.out.splitlines()[0]) == (0, "invoice-extraction")


@pytest.mark.parametrize(
    ("words", "what"),
    [
        (("--skip", "frame", "--reason", "No."), "the step 'frame' cannot be skipped"),
        (("--skip", "certfy", "--reason", "No."), "the step 'certfy' cannot be skipped"),
        (("--skip", "shrink"), "--skip and --reason go together"),
        (("--skip", "shrink", "--reason", "49 are short."), "this cannot stand in a receipt: '4'"),
        (("--skip", "shrink", "--reason", "a\n## Findings"), "expected one line"),
        (("--skip", "shrink", "--reason", "[a](b)"), "this cannot stand in a receipt"),
    ],
)
def test_a_skip_that_a_receipt_could_not_show_is_refused(
    words: tuple[str, ...], what: str, call: Call, case: Path
) -> None:
    said = call("next", case, *words)
    assert said.code == 2
    assert what in said.err
    assert standing(call, case)["skipped"] == []


def test_a_hypothesis_of_a_change_that_nobody_has_is_refused(call: Call, case: Path) -> None:
    call("run", case)
    said = call("hypothesise", case, "--statement", "It does.", "--breaks", "swap_first_field")
    assert said.code == 2
    assert "did you mean" in said.err.lower()


def test_a_hypothesis_that_breaks_nothing_is_refused(call: Call, case: Path) -> None:
    call("run", case)
    said = call("hypothesise", case, "--statement", "It does.")
    assert "a hypothesis that breaks nothing cannot be wrong" in said.err


def test_a_hypothesis_is_tested_as_it_was_entered(call: Call, varied: Path) -> None:
    says = {one["step"]: one["says"] for one in standing(call, varied)["established"]}
    assert says["ablate"]["hypotheses"] == [{"statement": STATEMENT, "verdict": "measured"}]
    ledger = (varied / ".autopsy" / "predictions.jsonl").read_text(encoding="utf-8")
    assert json.loads(ledger.splitlines()[0])["content"]["statement"] == STATEMENT


def test_a_failing_input_that_was_made_small_is_on_record(call: Call, varied: Path) -> None:
    assert call("shrink", "p-0030", varied).code == 0
    found = standing(call, varied)
    assert found["skipped"] == []
    says = {one["step"]: one["says"] for one in found["established"]}["shrink"]
    assert (says["record"], says["split"]) == ("p-0030", "production")
    # In the failing input the client stands before the vendor, and in its twin after it.
    assert says["difference"] == ["client stands before vendor"]
    failing, passing = (says["sides"][side]["input"].split("\n") for side in ("failing", "passing"))
    assert sorted(failing) == sorted(passing)
    assert failing != passing
    done = call("run", varied, "--untested", "--json")
    assert done.code == 0, done.err
    receipt = Path(json.loads(done.out)["receipt"])
    kept = [json.loads(line) for line in (receipt / "twins.jsonl").read_bytes().splitlines()]
    assert [one["input"].split("\n") for one in kept] == [passing, failing]


def test_what_next_says_of_shrink_after_a_change_broke_an_answer_can_be_run(
    call: Call, case: Path
) -> None:
    for words in (("run", case), ("hypothesise", case, *PREDICT), ("ablate", case, "--declared")):
        said = call(*words)
        assert said.code == 0, said.err
    commands = {one["step"]: one["command"] for one in standing(call, case)["allowed"]}
    _, *command = shlex.split(commands["shrink"])
    assert command[0] == "shrink"
    assert command[2:4] == [str(case), "--change"]
    assert "ID" not in command
    said = call(*command)
    assert said.code == 0, said.err
    assert "shrink" in done(standing(call, case))


def test_hypotheses_that_a_case_declares_are_tried_as_often_as_one_likes(
    call: Call, case: Path
) -> None:
    shutil.copy(case / "hypotheses.toml", case / "autopsy.toml")
    assert call("next", case).code == 0
    for _ in range(2):
        said = call("ablate", case, "--declared")
        assert said.code == 0, said.err
        assert {"hypothesise", "ablate"} <= {*done(standing(call, case))}


# The narrative


@pytest.mark.parametrize(
    ("sentence", "what", "remedy"),
    [
        ("It fell by 13 points.", "'1' in 'It fell by 13 points.'", "autopsy claims"),
        ("Five of them are silent.", "the number-word 'Five'", "autopsy claims"),
        ("{{ rate.production.rigt.counted | of }}", "no claim and form", "did you mean rate.prod"),
        ("{{ rate.production.right.counted | points }}", "cannot be shown as", "of or percent"),
        ("It rose {{ difference.right.counted | points }} points.", "'rose' beside", "direction"),
        ("It is {{ difference.right.counted | points }} points better.", "'better'", "direction"),
        ("That is {{ difference.right.counted | points }}.", "as points, and the line", "after it"),
        ("{{ rate.production.right.counted | percent }} points", "'points' after", "word out"),
        ("Right on eval: {{ rate.production.right.counted | of }}.", "after the word eval", "cla"),
        ("- measured: they move.", "without a claim that measures", "call it inferred, or cite"),
        ("- measured: they move.", "without a claim that measures", "difference_interval.right"),
        ("It fails because fields move.", "a cause ('because')", "- inferred:"),
        ("- objection: another scorer.", "an objection without an answer", "- answer:"),
        ("{{ quote production input p-9999 }}", "no input of a record 'p-9999'", "take an id"),
        ("a {{ quote production input p-0030 }}", "not on lines of its own", "claims"),
    ],
)
def test_each_problem_has_its_line_and_its_remedy(
    sentence: str, what: str, remedy: str, call: Call, varied: Path
) -> None:
    problems = narrated(call, varied, f"Fine.\n\n{sentence}\n")
    assert [one["line"] for one in problems] == [3]
    assert what in problems[0]["what"]
    assert remedy in problems[0]["remedy"]


@pytest.mark.parametrize(
    "sentence",
    [
        "It fell by {{ difference.right.counted | points }} points.",
        "It did not improve: {{ difference.right.counted | change }}.",
        "That is {{ difference.right.counted | change }}.",
        "{{ difference.right.counted | change }} {{ difference_interval.right.counted | points }}",
        "- inferred: it fails because fields move.",
        "## Opinion\n\nIt fails because nobody looked.",
        "## Objections\n\n- objection: another scorer.\n- answer: the scorer is the same.",
        "{{ quote production input p-0030 }}",
    ],
)
def test_what_says_the_truth_has_nothing_to_mend(sentence: str, call: Call, varied: Path) -> None:
    assert narrated(call, varied, sentence + "\n") == []


def test_a_cause_is_measured_by_the_hypothesis_that_is(call: Call, varied: Path) -> None:
    assert call("run", varied).code == 0
    named = kernel.spelled("hypothesis", {"statement": STATEMENT})
    assert re.fullmatch(r"hypothesis\.[a-z0-9-]+", named)
    cited = f"{{{{ {named} | word }}}}"
    assert narrated(call, varied, f"- measured: it fails because fields move: {cited}\n") == []
    other = "{{ difference_interval.right.counted | points }} points"
    said = narrated(call, varied, f"- measured: it fails because fields move: {other}\n")
    assert ["a cause ('because')" in one["what"] for one in said] == [True]


def test_a_check_shows_the_narrative_as_the_receipt_would(call: Call, varied: Path) -> None:
    story = "It is {{ difference.right.counted | change }}.\n"
    Path("story.md").write_text(story, encoding="utf-8")
    said = call("narrate", varied, "--check", "story.md")
    assert said.out.startswith("It is a fall of 13.75 points.\n")
    assert said.out.endswith("nothing to mend\n")
    assert "narrate" not in done(standing(call, varied))


def test_all_problems_are_listed_at_once_and_nothing_is_taken(call: Call, varied: Path) -> None:
    Path("story.md").write_text("It fell by 13 points.\nHalf of it.\n", encoding="utf-8")
    said = call("narrate", varied, "story.md")
    assert said.code == 1
    assert re.findall(r"(?m)^story\.md:(\d): ", said.out) == ["1", "2"]
    assert said.out.endswith("2 to mend; nothing was taken\n")
    assert "narrate" not in done(standing(call, varied))


def test_a_narrative_comes_by_standard_input_too(
    call: Call, varied: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(STORY.encode())))
    assert call("narrate", varied, "-").code == 0
    assert (varied / STATE).with_suffix(".md").read_text(encoding="utf-8") == STORY


def test_without_a_receipt_there_is_nothing_to_cite(call: Call, case: Path, story: Path) -> None:
    said = call("narrate", case, "--check", story)
    assert said.code == 2
    assert "there is no receipt of this case" in said.err
    assert "Run `autopsy run case/autopsy.toml`" in said.err


# The receipt


def test_a_certified_receipt_has_the_narrative_and_what_was_skipped(
    call: Call, varied: Path, story: Path
) -> None:
    assert call("narrate", varied, story).code == 0
    assert call("certify", varied).code == 0
    report = (RECEIPT / "REPORT.md").read_text(encoding="utf-8")
    assert "> In production 345 of 400 are right.\n" in report
    section = report.partition("## The investigation\n")[2].partition("\n## ")[0]
    steps = "frame, reproduce, quantify, silence, hypothesise, ablate, narrate"
    assert f"- done: {steps}\n" in section
    assert f"- skipped: shrink, for this reason:\n\n> {WHY}\n" in section
    assert f"> {STATEMENT}\n" in section
    assert "Nothing has been varied" not in report
    assert call("verify").code == 0
    assert standing(call, varied)["step"] is None


def test_a_false_number_in_a_narrative_that_was_taken_is_stopped_by_certification(
    call: Call, varied: Path, story: Path
) -> None:
    call("narrate", varied, story)
    before = (RECEIPT / "REPORT.md").read_bytes()
    copy = (varied / STATE).with_suffix(".md")
    copy.write_text("In production 395 of 400 are right.\n", encoding="utf-8")
    said = call("certify", varied)
    assert said.code == 2
    assert "certify rests on narrate, and that is not established" in said.err
    assert (RECEIPT / "REPORT.md").read_bytes() == before


def test_another_receipt_in_the_place_of_the_certified_one_is_noticed(
    call: Call, varied: Path, story: Path
) -> None:
    call("narrate", varied, story)
    call("certify", varied)
    call("run", varied)
    found = standing(call, varied)
    assert found["stale"] == [{"step": "certify", "why": "the receipt is another one by now"}]
    assert found["step"] == "certify"


def test_the_narrative_that_a_case_names_is_the_one_that_counts(
    call: Call, varied: Path, story: Path
) -> None:
    (varied / "own.md").write_text(STORY, encoding="utf-8")
    toml = varied / "autopsy.toml"
    toml.write_text('narrative = "own.md"\n' + toml.read_text(), encoding="utf-8")
    call("run", varied)
    said = call("narrate", varied, story)
    assert said.code == 2
    assert "the case names its narrative: case/own.md" in said.err
    assert call("narrate", varied, varied / "own.md").code == 0
    assert call("certify", varied).code == 0


def test_an_investigation_goes_on_from_another_folder(
    call: Call, varied: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    moved = folder / "another day"
    moved.mkdir()
    (folder / varied).rename(moved / "case")
    monkeypatch.chdir(moved)
    assert standing(call, Path("case"))["step"] == "narrate"
