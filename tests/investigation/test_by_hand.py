"""The steps in Python: what they give, what they refuse, and that the verbs see the same."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

import eval_autopsy as autopsy
from eval_autopsy.cli.main import main
from eval_autopsy.errors import BadCase, CannotRun

ROOT = Path(__file__).resolve().parents[2]
STORY = "In production {{ rate.production.right.counted | of }} are right.\n"


@pytest.fixture
def found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> autopsy.Investigation:
    hidden = shutil.ignore_patterns(".autopsy", "__pycache__")
    shutil.copytree(ROOT / "examples" / "invoice-extraction", tmp_path / "case", ignore=hidden)
    monkeypatch.chdir(tmp_path)
    return autopsy.Investigation("case")


def test_the_steps_end_in_a_certified_receipt(
    found: autopsy.Investigation, capsys: pytest.CaptureFixture[str]
) -> None:
    assert found.next().step == "reproduce"
    assert found.run().verification.verdict == "holds"
    assert found.next().step == "hypothesise"
    (entered,) = found.hypothesise("It reads by position.", ["swap_first_fields"])
    assert entered.breaks == ("swap_first_fields",)
    varied = found.ablate(declared=True)
    assert [one.verdict for one in varied.hypotheses] == ["measured"]
    assert found.next().step == "shrink"
    found.skip("shrink", "The failing inputs are short as they are.")
    (problem,) = found.check("In production 345 are right.")
    assert problem.line == 1
    assert found.narrate(STORY) == []
    done = found.certify()
    assert autopsy.verify(done.folder).verdict == "holds"
    assert "It reads by position." in (done.folder / "REPORT.md").read_text()
    capsys.readouterr()
    assert main(["next", "case", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == found.next().to_dict()


def test_slices_and_a_smallest_input_are_established_too(found: autopsy.Investigation) -> None:
    found.next()
    assert found.slices().silent.silent == 49
    assert {"reproduce", "quantify", "silence"} <= set(found.next().entries)
    found.hypothesise("It reads by position.", ["swap_first_fields"])
    found.ablate(declared=True)
    assert found.shrink("p-0030").to_dict()["id"] == "p-0030"
    assert found.next().step == "narrate"


def test_a_step_out_of_order_is_refused(found: autopsy.Investigation) -> None:
    found.look()
    with pytest.raises(CannotRun, match="hypothesise rests on quantify, silence"):
        found.hypothesise("It reads by position.", ["swap_first_fields"])
    found.next()
    with pytest.raises(CannotRun, match="ablate rests on hypothesise"):
        found.ablate()
    with pytest.raises(CannotRun, match="certify rests on narrate"):
        found.certify()
    with pytest.raises(BadCase, match="cannot be skipped"):
        found.skip("frame", "It is known.")
