"""Judged records as an audit of their scorer sees them, and what it says of each for a receipt.

1. What is audited is the score that the data hold, where they hold any; else the one made here.
2. What a tool's log says beside a sample's parts (its status, the error of its grader, all its
   scores) counts only where the outputs are the log's own.
3. A receipt has an audit where a score was recorded that can be held against the output, and else
   where a verdict that was made here is in doubt.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import polars as pl

from eval_autopsy import evidence as gathered
from eval_autopsy import kernel, verdicts
from eval_autopsy.case.load import Case
from eval_autopsy.evidence import Evidence
from eval_autopsy.questions.audit import Rows, outcome_rows, rows_of
from eval_autopsy.questions.judged import Judged, Verdict
from eval_autopsy.records import Record

OF_LOGS = ("status", "grader_error", "system", "scores")  # of a sample, and no parts of a record
EXACT = "exact_match"
SUSPECT = "label-suspect"  # the kind that the kernel has no rule for


class Material(NamedTuple):
    """What an audit is of."""

    judged: tuple[Judged, ...]
    scorer: str  # that recomputes
    errors: str  # "wrong" or "apart": what a failed call counts as
    sources: tuple[str, ...]  # the names of the files
    notes: tuple[str, ...]


def of_evidence(case: Case, found: Evidence, *, recorded: bool | None = None) -> Material:
    """The records of a case that were gathered, with the fields `OF_LOGS` beside their parts.

    `recorded` is whether the score of the data is looked at; by default, whether the case names it.
    """
    scorer = dict(found.spec["scorer"])
    under_audit = scorer["name"]
    if scorer["rule"] == "recorded":
        scorer |= {"name": EXACT, "rule": EXACT}
    if recorded is None:
        recorded = "score" in case.wanted.fields and case.file.system is None
    judged = judged_of(found.records, scorer, recorded, choices=False, log=is_log(case, found))
    notes = []
    if recorded and under_audit != "recorded":
        words = "the case scores by {}; what is audited is the score that the data hold"
        notes.append(words.format(under_audit))
    sources = tuple(dict.fromkeys(source.name for source in case.sources))
    return Material(judged, scorer["name"], found.spec["errors"], sources, tuple(notes))


def is_log(case: Case, found: Evidence) -> bool:
    """Whether the outputs of a case are those of tools' own logs."""
    return case.file.system is None and all(one.file.yields == "samples" for one in found.files)


def for_receipt(case: Case, found: Evidence) -> Evidence:
    """The evidence with what an audit says of each record, where there is one to make."""
    fields = found.spec["fields"]
    comparable = "expected" in fields and ("output" in fields or found.spec["outputs"] is not None)
    if not comparable:
        return found
    recorded = "score" in fields
    material = of_evidence(case, found, recorded=recorded)
    rows = rows_of(material.judged, material.errors)
    held = recorded and any(one.recomputed is not None for one in material.judged)
    if not held and not any(rows.suspects.values()):
        return found
    spec = {**found.spec, "audit": "samples" if is_log(case, found) else "table"}
    made = dict(found.made)
    if rows.suspects[SUSPECT]:
        spec["verdicts"] = gathered.VERDICTS
        made[gathered.VERDICTS] = _with_suspects(found, rows)
    return replace(found, spec=spec, made=made, table=_with_outcomes(found.table, rows))


def _with_outcomes(table: pl.DataFrame, rows: Rows) -> pl.DataFrame:
    """The table of verdicts with a column for each outcome that a record has in the audit."""
    columns = []
    for name, some in outcome_rows(rows).items():
        column = [False] * table.height
        for row in some:
            column[row] = True
        columns.append(pl.Series(verdicts.AUDIT + name, column, dtype=pl.Boolean))
    return table.with_columns(columns)


def _with_suspects(found: Evidence, rows: Rows) -> bytes:
    """The stored verdicts of each record, with the truths that are suspect."""
    stored = found.made.get(gathered.VERDICTS, b"")
    lines = [kernel.strict_json(line) for line in stored.decode("utf-8").splitlines()]
    if not lines:
        lines = [{"split": one.split, "id": one.id, "guards": {}} for one in found.records]
    for suspect in rows.suspects[SUSPECT]:
        lines[suspect.row]["suspect"] = [SUSPECT]
    return b"".join(kernel.canonical(line).encode("utf-8") + b"\n" for line in lines)


# Verdicts


def judged_of(
    records: Sequence[Record],
    scorer: Mapping[str, Any],
    recorded: bool,
    *,
    choices: bool,
    log: bool,
    several: bool = False,
) -> tuple[Judged, ...]:
    """The records with the verdicts of all scorers.

    `choices` is whether a list of expected values may be one of right ones, `log` whether the
    fields `OF_LOGS` are a tool's, `several` whether the records are of several logs.
    """
    recompute = verdicts.judge_of(scorer)
    by_value = verdicts.judge_of({**scorer, "name": "normalized", "rule": "normalized"})
    beside = [one.attributes if log else {} for one in records]
    given = list(map(_recorded, records, beside)) if recorded else [None] * len(records)
    any_given = any(verdict is not None for verdict in given)
    found = []
    for record, attributes, said in zip(records, beside, given, strict=True):
        again = _verdict(recompute, record, choices)
        found.append(
            Judged(
                record=record,
                score=said if any_given else again,
                recorded=said,
                recomputed=again,
                normalized=_verdict(by_value, record, True),
                fields=scorer.get("fields", ()),
                status=_text(attributes.get("status")),
                grader_error=_grader_error(attributes),
                system=_system(record, attributes, several),
            )
        )
    return tuple(found)


def _recorded(record: Record, attributes: Mapping[str, object]) -> Verdict:
    """The verdict that the data hold.

    A log's reader gives a failed call none, whatever the tool says of it; then those of the tool's
    own scores that are verdicts tell how it counts, when they agree.
    """
    said = verdicts.recorded_of(record)
    scores = attributes.get("scores")
    failed = record.error is not None or attributes.get("status") == "errored"
    if said is None and failed and isinstance(scores, dict):
        verdict = {"true": True, "1": True, "false": False, "0": False}
        counts = {verdict.get(kernel.canonical(score)) for score in scores.values()} - {None}
        return counts.pop() if len(counts) == 1 else None
    return said


def _system(record: Record, attributes: Mapping[str, object], several: bool) -> str:
    """What gave the output; of several logs each is a system, so that the file is a part of it."""
    said = _text(attributes.get("system"))
    return sys.intern(f"{said} {record.where.rpartition(':')[0]}".strip() if several else said)


def _grader_error(attributes: Mapping[str, object]) -> str:
    """The message of the grader that the score is by, when it failed; "" when it did not."""
    said, scores = _text(attributes.get("grader_error")), attributes.get("scores")
    if attributes.get("status") == "grader failed":
        return said or "without a message"
    return "" if isinstance(scores, dict) and scores else said  # by a grader that did not fail


def _verdict(judge: verdicts.Judge, record: Record, choices: bool) -> Verdict:
    """Whether a record is right, all fields taken together."""
    expected = record.expected
    if choices and isinstance(expected, list) and not isinstance(record.output, list):
        each = [_verdict(judge, replace(record, expected=one), False) for one in expected]
        return None if not each or None in each else True in each
    score, fields = verdicts.said("scorer", judge, record)
    return None if score is None else score and all(fields.values())


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
