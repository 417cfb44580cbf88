"""docs/audit.md and the skill name each finding, and quote the command as it is."""

from __future__ import annotations

from pathlib import Path

import pytest

from eval_autopsy.cli.main import main
from eval_autopsy.questions.suspects import KINDS

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "audit.md").read_text(encoding="utf-8")
SKILL = (ROOT / "skills" / "tool-eval" / "SKILL.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("kind", KINDS)
def test_each_finding_is_explained_and_has_a_step_in_the_skill(kind: str) -> None:
    assert f"| `{kind}` |" in PAGE
    assert f"| `{kind}` |" in SKILL


def test_the_line_that_is_quoted_is_what_the_command_prints(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    assert main(["audit", "examples/scorer-audit"]) == 0
    said = capsys.readouterr().out.splitlines()
    quoted = [line.strip() for line in PAGE.splitlines() if line.startswith("    production: ")]
    assert quoted == [line for line in said if line.startswith("production: ")]
