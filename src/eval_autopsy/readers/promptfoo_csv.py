"""Results of promptfoo as CSV, where each provider has columns of the same names.

So they are read by position: a column `[PROVIDER] PROMPT` with the outputs is followed by `Status`,
and begins the columns of a system; what stands before the first of them is about the test. The
export leaves out the metadata of tests, what was expected, latency and cost, and the messages of
errors; and its scores have two decimals.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from itertools import pairwise
from typing import Any, BinaryIO, NamedTuple

from eval_autopsy.kernel import MISSING
from eval_autopsy.readers.exports import cell
from eval_autopsy.readers.intake import number
from eval_autopsy.readers.log_values import Unfit
from eval_autopsy.readers.logs import Aside, Item, Note, Sample
from eval_autopsy.readers.promptfoo import Run, filled
from eval_autopsy.readers.text_table import Damaged, TableLines, cells_of
from eval_autopsy.registry import reader

OUTPUTS = re.compile(r"\[(.+?)\] (.*)", re.DOTALL)  # the name of the column: provider, prompt
VERDICTS = {"PASS": True, "FAIL": False, "ERROR": None}
DESCRIPTION, METRIC = "Description", "Metric: "


class Block(NamedTuple):
    """The columns of one system."""

    provider: str
    prompt: str
    columns: slice


def _header(text: str) -> list[str]:
    try:
        return next(csv.reader(text.splitlines(keepends=True), strict=True), [])
    except csv.Error:
        return []


def _blocks(header: Sequence[str]) -> list[Block]:
    begins = [
        (at, outputs)
        for at, (name, after) in enumerate(pairwise(header))
        if after == "Status" and (outputs := OUTPUTS.fullmatch(name))
    ]
    ends = [at for at, _ in begins[1:]] + [len(header)]
    return [
        Block(outputs[1], outputs[2], slice(at, end))
        for (at, outputs), end in zip(begins, ends, strict=True)
    ]


def _known(head: bytes) -> bool:
    if b"Grader Reason" not in head or b"\0" in head:
        return False
    header = _header(head.decode("utf-8", errors="ignore"))
    return bool(_blocks(header)) and "Grader Reason" in header


@reader("promptfoo_csv", sniff=_known, yields="samples")
def promptfoo_csv(stream: BinaryIO, name: str) -> Iterator[Item]:
    """One sample for each test and provider of promptfoo's results as CSV."""
    lines = TableLines(stream, name)
    header = lines.header()
    blocks, run = _blocks(header), Run()
    for found in cells_of(lines, len(header)):
        if isinstance(found, Damaged):
            yield found.aside()
        else:
            yield from _samples(run, found.at, header, found.cells, blocks)
    yield Note(
        "promptfoo's CSV leaves out metadata, expected values, latency, cost and the messages of "
        "errors: export JSON to have them"
    )


def _samples(
    run: Run, line: int, header: Sequence[str], cells: Sequence[str], blocks: Sequence[Block]
) -> Iterator[Sample | Aside]:
    before = blocks[0].columns.start
    about = dict(zip(header[:before], cells[:before], strict=True))
    described = about.pop(DESCRIPTION, None)
    for at, block in enumerate(blocks):
        names, values = header[block.columns], cells[block.columns]
        found = dict(zip(names[1:], values[1:], strict=True))
        try:
            result = _result(found, block, about)
        except Unfit as unfit:
            yield Aside(line, str(unfit))
            continue
        test = {"description": described or None, "vars": about}
        known = {"testCase": test, "testIdx": line, "promptIdx": at, "vars": about}
        yield run.item(line, {**result, **known, "response": {"output": values[0] or None}})


def _result(found: Mapping[str, str], block: Block, about: Mapping[str, str]) -> dict[str, Any]:
    """The cells of a system as promptfoo's JSON has them."""
    status = found["Status"]
    if status not in VERDICTS:
        raise Unfit(f"its Status is {status[:40]!r}, expected PASS, FAIL or ERROR")
    prompt = filled(block.prompt, about)
    return {
        "provider": block.provider,
        "prompt": {"raw": None if prompt is MISSING else prompt, "label": block.prompt},
        "success": VERDICTS[status] is True,
        "failureReason": 2 if status == "ERROR" else int(status == "FAIL"),
        "error": "promptfoo's CSV does not keep the message" if status == "ERROR" else None,
        "score": number(found.get("Score", "")),
        "namedScores": _named(found),
        "gradingResult": {"reason": found.get("Grader Reason", "")},
    }


def _named(found: Mapping[str, str]) -> dict[str, Decimal]:
    """The named scores, from their cell or, where that is empty, from their columns."""
    named = cell(found.get("Named Scores", ""))
    if not isinstance(named, dict):
        named = {
            name.removeprefix(METRIC): number(text)
            for name, text in found.items()
            if name.startswith(METRIC)
        }
    return {name: value for name, value in named.items() if value is not None}
