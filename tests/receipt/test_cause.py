"""What a receipt says of a cause: its hypotheses, what was changed, and the smallest inputs."""

from __future__ import annotations

import json
import math
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval_autopsy import api, kernel
from eval_autopsy.experiments import hypotheses
from eval_autopsy.experiments.exhibits import Twins
from eval_autopsy.questions.pairs import Pairs, mcnemar, paired_interval
from eval_autopsy.receipt.prove import Bench
from eval_autopsy.receipt.tampers.copies import Copy, Original
from eval_autopsy.receipt.tampers.vectors import REDO
from eval_autopsy.receipt.verify import verify

from . import made

COUNTS = st.tuples(*[st.integers(0, 60)] * 4)
POSITION, SPACES = "It reads by position.", "It stumbles over white space."
Made = Callable[[str], Path]


def claims_of(folder: Path) -> dict[str, Any]:
    """The claims of a receipt by their ids."""
    predicate = json.loads((folder / "receipt.json").read_bytes())["predicate"]
    return {one["id"]: one for one in predicate["claims"]}


def report_of(folder: Path) -> str:
    """A report with each run of white space as one space."""
    return " ".join((folder / "REPORT.md").read_text(encoding="utf-8").split())


def claim(folder: Path, op: str, **args: Any) -> dict[str, Any]:
    found: dict[str, Any] = claims_of(folder)[kernel.spelled(op, args)]
    return found


def receipt_of(base: Path, toml: str, **files: bytes) -> Path:
    """The receipt of the case of two hypotheses, with other text or files."""
    named = {name.replace("_", "."): content for name, content in files.items()}
    return made.written(base, toml, made.hypotheses_files() | named)


@pytest.mark.parametrize("options", [[], ["--rerun"]])
def test_a_bare_python_scores_the_answers_to_changed_inputs_again(
    options: list[str], made_receipt: Made
) -> None:
    script = made_receipt("hypotheses") / "verify.py"
    done = subprocess.run(
        [sys.executable, "-I", "-B", str(script), *options],
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stdout
    # 40 records as they are, and after four changes; 10 wrong ones as they are, and mended.
    assert "80 records scored and guarded again, 220 answers to changed inputs" in done.stdout
    if options:
        assert "80 of 80 outputs, 220 of 220 to changed inputs the same as recorded" in done.stdout


def test_a_hypothesis_that_names_the_fault_is_measured_and_another_refuted(
    made_receipt: Made,
) -> None:
    folder = made_receipt("hypotheses")
    assert claim(folder, "hypothesis", statement=POSITION)["value"] == "measured"
    assert claim(folder, "hypothesis", statement=SPACES)["value"] == "refuted"
    assert claim(folder, "rate_changed", change="swap_first_fields", when="before")["value"] == (
        "40/40"
    )
    assert claim(folder, "broken", change="swap_first_fields")["value"] == "40/40"
    assert claim(folder, "broken", change="indent_lines")["value"] == "0/40"
    assert claim(folder, "broken", change="as it is")["value"] == "0/40"
    exactly = claim(folder, "broken_exactly", statement=POSITION, change="swap_first_fields")
    assert exactly["value"] == "40/40"


def test_the_finding_of_a_cause_is_measured_by_the_hypothesis_that_is(made_receipt: Made) -> None:
    predicate = json.loads((made_receipt("hypotheses") / "receipt.json").read_bytes())["predicate"]
    (cause,) = [one for one in predicate["findings"] if one["kind"] == "cause"]
    assert cause["strength"] == "measured"
    cited = [claims_of(made_receipt("hypotheses"))[name] for name in cause["claims"]]
    assert [one["value"] for one in cited if one["op"] == "hypothesis"] == ["measured"]


def test_what_rests_on_a_right_answer_that_follows_the_change_is_given(made_receipt: Made) -> None:
    folder = made_receipt("hypotheses")
    # swap_labels exchanges two values of the right answer; the others leave it as it was.
    assert claim(folder, "broken", change="swap_labels")["rests_on"] == "given"
    assert claim(folder, "broken", change="swap_first_fields")["rests_on"] == "re-run"
    # The verdict's p is adjusted for all changes.
    assert claim(folder, "hypothesis", statement=POSITION)["rests_on"] == "given"
    assert "Given: after `swap_labels` the right answer follows" in report_of(folder)


def test_a_refuted_hypothesis_stays_in_the_report(made_receipt: Made) -> None:
    assert f"Refuted: - `{SPACES}`" in report_of(made_receipt("hypotheses"))


def test_a_control_and_a_failing_twin_are_quoted(made_receipt: Made) -> None:
    folder = made_receipt("hypotheses")
    (name,) = claim(folder, "shortest", change="swap_first_fields", limit=1)["value"]
    vendor, client = (f"{word} {name[1:]}" for word in ("Okafor", "Steel"))
    assert len(name) == 2  # of forty, those with a number of one digit are the shortest
    said = report_of(folder)
    control = "The control, which passes, is the record as it is: ```text "
    assert f"{control}Vendor: {vendor} Client: {client} ```" in said
    assert f"```text Client: {client} Vendor: {vendor} ```" in said


def test_the_receipt_says_of_each_prediction_what_ablate_says(tmp_path: Path) -> None:
    case = tmp_path / "invoice"
    shutil.copytree(made.EXAMPLE, case)
    found = api.open(case / "hypotheses.toml").ablate(declared=True)
    folder = made.receipt(tmp_path, case / "hypotheses.toml")
    assert [one.verdict for one in found.hypotheses] == ["measured", "refuted"]
    for one in found.hypotheses:
        said = claim(folder, "hypothesis", statement=one.statement)
        assert said["value"] == one.verdict
        for part in one.parts:
            came = claim(folder, "prediction", statement=one.statement, change=part.change)
            assert came["value"] == f"{part.predicted}: {part.verdict}"
            broken = claim(folder, "broken", change=part.change)
            assert broken["value"] == f"{part.broken.k}/{part.broken.n}"
            if part.change != "as it is":
                interval = claim(folder, "effect_interval", change=part.change)["value"]
                assert [float(end) for end in interval] == pytest.approx(part.effect.interval)
                p = claim(folder, "p_changed", change=part.change)["value"]
                assert float(p) == pytest.approx(part.effect.p_adjusted)
            if part.exactly is not None:
                args = {"statement": one.statement, "change": part.change}
                exactly = claim(folder, "broken_exactly", **args)
                assert exactly["value"] == f"{part.exactly.k}/{part.exactly.n}"

    mending = found.hypotheses[0].mending
    assert mending is not None
    assert mending.mended == (55, 55)
    turns = "drop_preamble then split_lines then usual_order"
    mended = claim(folder, "mended", change=turns)
    assert (mended["value"], mended["rests_on"]) == ("55/55", "re-run")
    p = claim(folder, "p_mended", change=turns)["value"]
    assert float(p) == pytest.approx(mending.effect.p_adjusted)


def test_what_mends_the_wrong_answers_of_production_is_in_the_report(made_receipt: Made) -> None:
    folder = made_receipt("hypotheses")
    assert claim(folder, "mending", statement=POSITION)["value"] == "mends: holds"
    assert "10 of 10 are mended by `drop_preamble then usual_order`" in report_of(folder)
    (section,) = report_of(folder).split("### What mends production")[1:]
    assert "in all, 10 are wrong there" in section
    assert "| `drop_preamble then usual_order` | 10 of 10 | [72.25%, 100%] |" in section


@pytest.mark.parametrize(
    ("mends", "verdict", "came"),
    [
        ('["blank_lines"]', "refuted", "mends: refuted"),
        ('["shuffle_examples"]', "inferred", "mends: not shown"),  # which applies to none
    ],
)
def test_what_does_not_mend_keeps_a_hypothesis_from_being_measured(
    mends: str, verdict: str, came: str, tmp_path: Path
) -> None:
    toml = made.HYPOTHESES.replace('["drop_preamble", "usual_order"]', mends)
    folder = receipt_of(tmp_path, toml)
    assert claim(folder, "hypothesis", statement=POSITION)["value"] == verdict
    assert claim(folder, "mending", statement=POSITION)["value"] == came
    applies = "These changes apply to no wrong answer." not in report_of(folder)
    assert applies == (verdict == "refuted")


COIN = b"""
import random
def extract(text):
    lines = dict(line.split(": ", 1) for line in text.split("\\n") if ": " in line)
    answer = {"vendor": lines["Vendor"], "client": lines["Client"]}
    return answer if random.random() < 0.35 else {"vendor": "", "client": ""}
"""


def test_what_comes_out_right_by_chance_is_not_mended(tmp_path: Path) -> None:
    toml = made.HYPOTHESES.replace('["drop_preamble", "usual_order"]', '["trailing_spaces"]')
    folder = receipt_of(tmp_path, toml, reader_py=COIN)
    came = claim(folder, "mending", statement=POSITION)["value"]
    assert came in ("mends: not shown", "mends: refuted")
    # About a third of those that were wrong are right when asked again, and not in the count.
    mended, wrong_again = map(
        int, claim(folder, "mended", change="trailing_spaces")["value"].split("/")
    )
    wrong = int(claim(folder, "count", split="production", outcome="wrong", where={})["value"])
    assert mended <= wrong_again < wrong


def test_the_ledger_in_the_receipt_is_the_one_of_the_case(tmp_path: Path) -> None:
    folder = receipt_of(tmp_path, made.HYPOTHESES)
    ledger = tmp_path / "case" / ".autopsy" / "predictions.jsonl"
    assert (folder / "predictions.jsonl").read_bytes() == ledger.read_bytes()
    kinds = [json.loads(line)["kind"] for line in ledger.read_bytes().splitlines()]
    assert kinds == ["prediction", "prediction", "result", "result"]


CHANCE = b"""
import random
def extract(text):
    values = [line.split(":", 1)[-1].strip() for line in text.split("\\n")]
    return {"vendor": values[0], "client": values[1], "draw": random.random()}
"""


def test_a_system_that_answers_otherwise_again_is_scored_from_its_record(tmp_path: Path) -> None:
    toml = made.HYPOTHESES.replace(
        "[slices]", '[scorer]\nname = "exact_match"\nfields = ["vendor", "client"]\n[slices]'
    )
    folder = receipt_of(tmp_path, toml, reader_py=CHANCE)
    assert claim(folder, "broken", change="swap_first_fields")["rests_on"] == "re-scored"
    assert "Re-scored, not run again: asked about the changed inputs again" in report_of(folder)
    assert verify(folder, rerun=True).verdict == "holds"


COMMAND = b"""
import json, sys
for line in sys.stdin:
    values = [part.split(":", 1)[-1].strip() for part in json.loads(line).split("\\n")]
    print(json.dumps({"vendor": values[0], "client": values[1]}), flush=True)
"""


def test_a_system_that_the_kernel_cannot_run_is_scored_from_its_record(tmp_path: Path) -> None:
    named = f'command = ["{sys.executable}", "reader.py"]'
    toml = made.HYPOTHESES.replace('python = "reader.py:extract"', named)
    folder = receipt_of(tmp_path, toml, reader_py=COMMAND)
    assert claim(folder, "hypothesis", statement=SPACES)["value"] == "refuted"
    assert claim(folder, "broken", change="swap_first_fields")["rests_on"] == "re-scored"
    assert "this system is not of the kind that the receipt can run" in report_of(folder)


def without_system(toml: str) -> str:
    return toml.replace('[system]\npython = "reader.py:extract"\n', "").replace(
        'expected = "wanted"', 'expected = "wanted"\noutput = "reply"'
    )


@pytest.mark.parametrize(
    ("toml", "why"),
    [
        (without_system(made.HYPOTHESES), "The case names no system"),
        (
            without_system(made.HYPOTHESES).replace('output = "reply"', 'score = "score"'),
            "The case names no system",
        ),
    ],
)
def test_hypotheses_that_cannot_be_tested_are_not_left_out_silently(
    toml: str, why: str, tmp_path: Path
) -> None:
    files = made.hypotheses_files()
    for name in ("eval.jsonl", "production.jsonl"):
        rows = [json.loads(line) for line in files[name].splitlines()]
        files[name] = made.lines([{**row, "reply": row["wanted"], "score": True} for row in rows])
    folder = made.written(tmp_path, toml, files)
    said = report_of(folder)
    assert f"they are not tested in this receipt. {why}" in said
    assert not (folder / "varied.jsonl").exists()


def test_hypotheses_of_a_scorer_of_somebody_else_are_said_to_be_untested(tmp_path: Path) -> None:
    from eval_autopsy import registry

    toml = made.HYPOTHESES.replace("[slices]", '[scorer]\nname = "same_vendor"\n[slices]')
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(registry.scorers, "_entries", {**registry.scorers._entries})
        registry.scorers.register("same_vendor")(same_vendor)
        folder = receipt_of(tmp_path, toml)
    assert "Its scorer is not of the kind that the receipt can apply" in report_of(folder)


def same_vendor(output: Any, expected: Any) -> bool:
    """Whether the vendor is the same."""
    return bool(output["vendor"] == expected["vendor"])


def test_hypotheses_that_are_not_wanted_are_said_to_be_left_out(tmp_path: Path) -> None:
    receipt_of(tmp_path, made.HYPOTHESES)
    done = api.open(tmp_path / "case").run(tmp_path, hypotheses=False)
    assert "They were left out, as was asked for." in report_of(done.folder)
    assert not (done.folder / "varied.jsonl").exists()


@pytest.mark.parametrize("guard", ['json_schema = "schema.json"', "not_blank = true"])
def test_a_guard_has_no_say_in_what_a_change_breaks(guard: str, tmp_path: Path) -> None:
    toml = made.HYPOTHESES.replace("[slices]", f"[guards]\n{guard}\n[slices]")
    folder = receipt_of(tmp_path, toml, schema_json=b'{"required": ["total"]}')
    assert claim(folder, "hypothesis", statement=POSITION)["value"] == "measured"


def test_a_change_that_applies_to_no_record_is_not_shown_and_holds_nothing_up(
    tmp_path: Path,
) -> None:
    toml = made.HYPOTHESES + "\n".join(
        ("[[hypothesis]]", 'statement = "It needs curls."', 'breaks = ["curly_quotes"]')
    )
    folder = receipt_of(tmp_path, toml)
    statement = "It needs curls."
    assert claim(folder, "hypothesis", statement=statement)["value"] == "inferred"
    came = claim(folder, "prediction", statement=statement, change="curly_quotes")
    assert came["value"] == "breaks: not shown"
    assert "is not in this table, applies to no record" in report_of(folder)


def test_where_nothing_is_right_a_hypothesis_is_inferred(tmp_path: Path) -> None:
    wrong = made.READER.replace(b"values[0]", b"None")
    folder = receipt_of(tmp_path, made.HYPOTHESES, reader_py=wrong)
    assert claim(folder, "hypothesis", statement=POSITION)["value"] == "inferred"
    assert verify(folder).verdict == "holds"


TWINS = Twins(
    of="p0",
    split="production",
    rule="the fields that stay",
    difference=("client stands before vendor",),
    sides={
        "passing": {
            "input": "Vendor: A\nClient: B",
            "expected": {"vendor": "A"},
            "fields": ["vendor"],
            "output": {"vendor": "A", "client": "B"},
        },
        "failing": {
            "input": "Client: B\nVendor: A",
            "expected": {"vendor": "A"},
            "fields": ["vendor"],
            "output": {"vendor": "B", "client": "A"},
        },
    },
)


def test_a_smallest_input_without_a_twin_stands_beside_a_control_of_eval(tmp_path: Path) -> None:
    receipt_of(tmp_path, made.HYPOTHESES)
    alone = TWINS._replace(difference=(), sides={"failing": TWINS.sides["failing"]})
    done = api.open(tmp_path / "case").run(tmp_path, twins=alone, hypotheses=False)
    said = report_of(done.folder)
    assert "No twin that passes was found. What fails comes out wrong." in said
    assert "| what makes it fail | not known without a twin |" in said
    assert re.search(r"A control, which passes, is `e\d+` of eval\.", said)


NOT_SO = ("does-not-hold", "claims")


@pytest.fixture(scope="module")
def twins_bench(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    """A bench to tamper with a receipt that has the smallest inputs."""
    base = tmp_path_factory.mktemp("twins").resolve()
    receipt_of(base, made.HYPOTHESES)
    folder = api.open(base / "case").run(base, twins=TWINS, hypotheses=False).folder
    return Bench(Original(verify(folder)), base / "bench", 60)


def test_the_smallest_inputs_are_quoted_scored_and_run_again(tmp_path: Path) -> None:
    receipt_of(tmp_path, made.HYPOTHESES)
    folder = api.open(tmp_path / "case").run(tmp_path, twins=TWINS).folder
    assert claim(folder, "twin", side="passing")["value"] == "right"
    assert claim(folder, "twin", side="failing")["value"] == "wrong"
    assert claim(folder, "twin", side="failing")["rests_on"] == "given"
    said = report_of(folder)
    assert "The control comes out right. Input: ```text Vendor: A Client: B ```" in said
    assert "Its twin comes out wrong. Input: ```text Client: B Vendor: A ```" in said
    again = verify(folder, rerun=True)
    assert again.verdict == "holds"
    assert "2 of 2 to the smallest inputs" in again.sections[-1][2]


@pytest.mark.parametrize(
    ("find", "to", "verdict", "check"),
    [
        # The passing twin's output is wrong, and then the failing one's is right.
        ('"output":{"client":"B","vendor":"A"}', '"output":{}', "does-not-hold", "claims"),
        ('"output":{"client":"A","vendor":"B"}', '"output":{"vendor":"A"}', *NOT_SO),
        ('"expected":{"vendor":"A"}', '"expected":{"vendor":"B"}', *NOT_SO),
        ('"input":"Client: B', '"input":"Client: C', "does-not-hold", "report"),
        ('"side":"failing"', '"side":"passing"', "cannot-check", "records"),
        ('"side":"failing"', '"side":"other"', "cannot-check", "records"),
    ],
)
def test_an_edit_of_the_smallest_inputs_is_noticed(
    find: str, to: str, verdict: str, check: str, twins_bench: Bench
) -> None:
    copy = Copy(twins_bench.original)
    before = copy.read("twins.jsonl").decode()
    copy.write("twins.jsonl", before.replace(find, to, 1).encode())
    assert copy.changed == ["twins.jsonl"]
    REDO["digests"](copy)
    with twins_bench.written(copy) as folder:
        found = twins_bench.judged(folder, rerun=False)
    assert found.verdict == verdict
    assert check in found.checks


def test_smallest_inputs_that_come_out_otherwise_again_are_said_to_be_recorded(
    tmp_path: Path,
) -> None:
    receipt_of(tmp_path, made.HYPOTHESES)
    failing = {**TWINS.sides["failing"], "output": {"vendor": "", "client": ""}}
    twins = TWINS._replace(sides={"failing": failing})
    folder = api.open(tmp_path / "case").run(tmp_path, twins=twins).folder
    said = report_of(folder)
    assert "No twin that passes was found. What fails comes out wrong." in said
    assert "These are the recorded answers, scored again" in said
    assert verify(folder, rerun=True).verdict == "holds"


def test_the_rules_that_are_written_down_are_those_of_the_kernel() -> None:
    assert hypotheses.RULES == kernel.PREDICTED


@given(COUNTS)
def test_the_interval_of_pairs_is_the_same_in_the_kernel(counts: tuple[int, int, int, int]) -> None:
    assert kernel.paired(*counts) == pytest.approx(paired_interval(Pairs(*counts)), abs=1e-12)


@given(COUNTS)
def test_the_p_of_pairs_is_the_same_in_the_kernel(counts: tuple[int, int, int, int]) -> None:
    _, broken, mended, _ = counts
    assert math.isclose(kernel.mcnemar(broken, mended), mcnemar(broken, mended))


def test_the_interval_of_pairs_is_newcombes() -> None:
    # By R, as tests/vectors/oracles.json has it, of 36, 12, 2 and 0, and by the other sign.
    low, high = kernel.paired(36, 12, 2, 0)
    assert (round(-high, 4), round(-low, 4)) == (0.0569, 0.3404)
