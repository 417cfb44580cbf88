"""Receipts to tamper with: the invoice example, and small cases of every other kind of evidence."""

from __future__ import annotations

import gzip
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest import mock

from eval_autopsy import registry
from eval_autopsy.case.load import load
from eval_autopsy.receipt import certify

EXAMPLE = Path(__file__).parents[2] / "examples" / "invoice-extraction"

# As the engine records them, but the same on every machine.
ENVELOPE = {
    "made at": "1970-01-01T00:00:00Z",
    "engine": "eval-autopsy",
    "kernel": "0.1.0",
    "python": "3.11.0",
    "system": "a test",
    "processors": "2",
    "seed": "0",
    "records": "0",
    "seconds": "not recorded",
}


def receipt(base: Path, case: Path) -> Path:
    """The receipt of a case below `base`, with an envelope that is the same everywhere."""
    with mock.patch.object(certify, "envelope", return_value=dict(ENVELOPE)):
        return certify.certify(load(case), base).folder


def invoice(base: Path) -> Path:
    """The receipt of the invoice example, below a folder of its own."""
    case = base / "examples" / "invoice-extraction"
    shutil.copytree(EXAMPLE, case)
    return receipt(base, case)


def written(base: Path, toml: str, files: dict[str, bytes]) -> Path:
    """The receipt of a case written as text."""
    folder = base / "case"
    folder.mkdir(parents=True)
    (folder / "autopsy.toml").write_text(toml, encoding="utf-8")
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return receipt(base, folder)


def lines(rows: list[dict[str, Any]]) -> bytes:
    return b"".join(json.dumps(row, ensure_ascii=False).encode("utf-8") + b"\n" for row in rows)


SCORES = """
name = "scores"
[data]
file = "all.csv"
split = "set"
splits = { eval = "dev", production = "live" }
[fields]
score = "score"
[slices]
by = ["kind", "length"]
"""


def scores(base: Path) -> Path:
    """One table with both splits and scores that somebody recorded; some are missing."""
    rows = ["id,set,score,kind,length"]
    for number in range(30):
        rows.append(f"d{number},dev,{'true' if number % 10 else 'false'},{'ab'[number % 2]},short")
    for number in range(40):
        score = "" if number == 7 else "1" if number % 4 and number % 3 else "0"
        kind = '"b, or c"' if number % 5 == 0 else "ab"[number % 2]
        kind = "rare" if number == 11 else kind  # a slice with a single record
        rows.append(f"l{number},live,{score},{kind},{'short' if number % 3 else 'long'}")
    return written(base, SCORES, {"all.csv": "\n".join(rows).encode() + b"\n"})


ANSWERS = """
name = "answers"
[data]
eval = "eval.json"
production = "production.jsonl.gz"
[fields]
input = "question"
expected = "wanted"
output = "reply.text"
error = "error"
[scorer]
name = "numeric"
tolerance = { absolute = 0.01, relative = 0.001 }
output_format = "json"
errors = "apart"
[guards]
no_exception = true
parses = true
not_blank = ["total"]
matches = { total = "[0-9.,$ ]+" }
json_schema = "schema.json"
[slices]
by = ["kind"]
"""


def answers(base: Path) -> Path:
    """Answers that are JSON texts, with failures, a tolerance and a guard that is not ours."""
    schema = {"type": "object", "required": ["total"]}
    files = {
        "schema.json": json.dumps(schema).encode(),
        "eval.json": json.dumps([_answer("e", number) for number in range(24)]).encode(),
        "production.jsonl.gz": gzip.compress(
            lines([_answer("p", number) for number in range(48)]), mtime=0
        ),
    }
    return written(base, ANSWERS, files)


def _answer(split: str, number: int) -> dict[str, Any]:
    total = f"${1000 + number:,}.50"
    replies = {
        0: {"total": f"{1000 + number}.505"},
        1: {"total": f"{1002 + number}.6"},
        2: {"total": ""},
        3: {"name": "no total"},
        4: {"total": 1000.5 + number, "more": [1, 2]},
    }
    reply = replies.get(number % 11, {"total": total}) if split == "p" else {"total": total}
    text = "{not json" if (split, number % 13) == ("p", 5) else json.dumps(reply)
    row = {
        "id": number,  # the same in both splits, which have the same questions
        "question": f"What is the total of {number}?",
        "wanted": json.dumps({"total": total}),
        "reply": {"text": text},
        "error": None,
        "kind": ["plain", "odd", None, 3, 1.5, ["x"]][number % 6],
    }
    if split == "p" and number % 12 == 6:
        row["reply"], row["error"] = {}, "Timeout: no answer"
    if number % 16 == 9:
        del row["kind"]
    return row


GRADED = """
name = "graded"
[data]
eval = "eval.jsonl"
production = "production.jsonl"
[fields]
output = "reply"
expected = "wanted"
[scorer]
name = "begins_alike"
[guards]
not_blank = true
[slices]
by = ["kind"]
features_file = "shapes.py"
"""
NO = {"e": "no", "p": "nope"}
SHAPES = b'''
from eval_autopsy import feature

@feature("shape", of="output")
def shape(text):
    """what an answer begins with"""
    return text.split(",")[0]
'''


def graded(base: Path) -> Path:
    """Answers that a scorer of somebody else decided about."""

    def rows(split: str, wrong: int) -> bytes:
        return lines(
            [
                {
                    "id": f"{split}{number}",
                    "reply": NO[split] if number % wrong == 0 else "yes, it is",
                    "wanted": "yes",
                    "kind": "even" if number % 2 == 0 else "odd",
                }
                for number in range(1, 31)
            ]
        )

    files = {"eval.jsonl": rows("e", 15), "production.jsonl": rows("p", 2), "shapes.py": SHAPES}
    # Only here: other tests list the scorers that there are.
    with mock.patch.object(registry.scorers, "_entries", {**registry.scorers._entries}):
        registry.scorers.register("begins_alike")(begins_alike)
        return written(base, GRADED, files)


def begins_alike(output: Any, expected: Any) -> bool:
    """Whether two texts begin with the same letter."""
    return bool(output[:1] == expected[:1])


TEXTS = """
name = "texts"
[data]
eval = "eval.jsonl"
production = "production.jsonl"
[fields]
input = "text"
output = "reply"
expected = "wanted"
score = "passed"
[slices]
features = ["field_order(input)", "number_style(input)", "length(output)"]
bands = { latency = [0.5, 2] }
times = { sent = "weekday" }
"""


def texts(base: Path) -> Path:
    """Answers whose only slices are read from the text, one of them with rare values; a score
    stands beside them."""

    def rows(split: str, count: int) -> bytes:
        return lines([_text(split, number) for number in range(count)])

    return written(base, TEXTS, {"eval.jsonl": rows("e", 24), "production.jsonl": rows("p", 60)})


def _text(split: str, number: int) -> dict[str, Any]:
    labels = ["Name", "Total"] if split == "e" or number % 3 else ["Total", "Name"]
    values = {"Name": f"N{number}", "Total": ["1,234.5", "1234.5"][number % 2]}
    if split == "p" and number >= 45:
        labels = [f"Label {'abcdefghijklmno'[number - 45]}", *labels]
    right = labels[0] == "Name" or number % 4 == 0
    passed = right != (number % 8 == 0)  # which is not always what comes out
    return {
        "id": f"{split}{number}",
        "text": "\n".join(f"{label}: {values.get(label, 'x')}" for label in labels),
        "reply": f"N{number}" if right else "a much longer answer than was wanted",
        "wanted": f"N{number}",
        "passed": None if number % 10 == 7 else passed,
        "latency": 0.25 * (number % 12),
        "sent": f"2024-05-{number % 7 + 1:02}T10:00:00Z",
    }


AUDITED = """
name = "audited"
[data]
eval = "eval.jsonl"
production = "production.jsonl"
[fields]
input = "text"
output = "reply"
expected = "wanted"
score = "passed"
error = "failure"
[scorer]
name = "exact_match"
errors = "apart"
[slices]
by = ["kind"]
"""
DOUBTS: dict[str, list[tuple[int, dict[str, Any]]]] = {  # what is planted in production, by row
    "errored-as-pass": [(40, {"reply": None, "failure": "Timeout: no answer"})],
    "missing-field-as-pass": [(41, {"reply": " "}), (42, {"reply": None})],
    "unparsed-as-fail": [(43, {"reply": "The answer is **$1,043.50**.", "passed": False})],
    "format-only": [(n, {"reply": f"{1000 + n}.5", "passed": False}) for n in (44, 45, 46)],
    "silent-pass": [(n, {"reply": "$7.00", "wanted": "$7.00"}) for n in (47, 48)],
    "repeats-as-independent": [(49, {"reply": "$1,038.50", "wanted": "$1,038.50"})],
    "label-suspect": [(50, {"wanted": "", "passed": False})],
}


def audited(base: Path) -> Path:
    """Answers of which each kind of doubt has some, beside those that are right and wrong."""
    planted = {number: odd for rows in DOUBTS.values() for number, odd in rows}
    live = [{**_bill("p", number), **planted.get(number, {})} for number in range(56)]
    live[49]["text"] = live[38]["text"]
    files = {
        "eval.jsonl": lines([_bill("e", number) for number in range(30)]),
        "production.jsonl": lines(live),
    }
    return written(base, AUDITED, files)


def _bill(split: str, number: int) -> dict[str, Any]:
    due = f"${1000 + number:,}.50"
    wrong = number % (7 if split == "e" else 5) == 0 and number < 36
    return {
        "id": f"{split}{number}",
        "text": f"Bill of {split}: {number}\nAmount due: {due}",
        "reply": "$3.00" if wrong else due,
        "wanted": due,
        "passed": not wrong,
        "failure": "",
        "kind": "ab"[number % 2],
    }


HALVES = """
name = "halves"
[data]
file = "all.csv"
split = "set"
splits = { eval = "dev", production = "live" }
[fields]
score = "score"
cluster = "talk"
[slices]
by = ["kind", "place"]
"""


def halves(base: Path) -> Path:
    """Enough records of production for a half to be held out, two of each talk."""
    rows = ["id,set,talk,score,kind,place"]
    rows += [f"d{number},dev,d{number},1,{'abc'[number % 3]},{number % 4}" for number in range(24)]
    for number in range(1200):
        talk = number // 2
        kind, place = "abc"[talk % 3], talk % 4
        bad = (kind == "a" and talk % 5 < 4) or (place == 2 and talk % 7 == 3)
        rows.append(f"l{number},live,t{talk},{0 if bad else 1},{kind},{place}")
    return written(base, HALVES, {"all.csv": "\n".join(rows).encode() + b"\n"})


FEW = """
name = "few"
[data]
file = "all.csv"
split = "set"
splits = { eval = "dev", production = "live" }
[fields]
score = "score"
[slices]
by = ["kind", "length"]
"""


def few(base: Path) -> Path:
    """Too few records to search."""
    kinds = [("ab"[number % 2], ("short", "long")[number // 2 % 2]) for number in range(12)]
    rows = [f"d{i},dev,1,{kind},{length}" for i, (kind, length) in enumerate(kinds)]
    rows += [f"l{i},live,{i % 2},{kind},{length}" for i, (kind, length) in enumerate(kinds)]
    content = "\n".join(["id,set,score,kind,length", *rows])
    return written(base, FEW, {"all.csv": content.encode() + b"\n"})


QUIET = """
name = "quiet"
[data]
file = "all.csv"
split = "set"
splits = { eval = "dev", production = "live" }
[fields]
score = "score"
error = "failure"
[guards]
no_exception = true
[slices]
by = ["kind", "place"]
"""


def quiet(base: Path) -> Path:
    """As many answers are wrong of each kind, but only those of kind a fail without an error."""
    rows = ["id,set,score,failure,kind,place"]
    for number in range(1800):
        kind, wrong = "abc"[number % 3], number >= 600 and number // 3 % 3 == 0
        score = f"{int(not wrong)},{'timeout' if wrong and kind != 'a' else ''}"
        split = "live" if number >= 600 else "dev"
        rows.append(f"{split[0]}{number},{split},{score},{kind},{number // 9 % 4}")
    return written(base, QUIET, {"all.csv": "\n".join(rows).encode() + b"\n"})


HYPOTHESES = """
name = "hypotheses"
[data]
eval = "eval.jsonl"
production = "production.jsonl"
[fields]
input = "text"
expected = "wanted"
[system]
python = "reader.py:extract"
[slices]
by = ["order"]
[[hypothesis]]
statement = "It reads by position."
breaks = ["swap_first_fields", "swap_labels", "add_preamble"]
spares = ["indent_lines"]
mends = ["drop_preamble", "usual_order"]
[hypothesis.fields]
swap_first_fields = ["vendor", "client"]
swap_labels = ["vendor", "client"]
[[hypothesis]]
statement = "It stumbles over white space."
breaks = ["indent_lines"]
"""
READER = b'''
def extract(text):
    """Takes the first line for the vendor and the second one for the client."""
    values = [line.split(":", 1)[-1].strip() for line in text.split("\\n")]
    return {"vendor": values[0], "client": values[1]}
'''


def hypotheses(base: Path) -> Path:
    """A system with a fault, a hypothesis that names it, and one that does not."""
    return written(base, HYPOTHESES, hypotheses_files())


def hypotheses_files() -> dict[str, bytes]:
    files = {"eval.jsonl": lines([_letter("e", number) for number in range(40)])}
    files["production.jsonl"] = lines([_letter("p", number) for number in range(40)])
    return files | {"reader.py": READER}


def _letter(split: str, number: int) -> dict[str, Any]:
    wanted = {"vendor": f"Okafor {number}", "client": f"Steel {number}"}
    parts = [f"Vendor: {wanted['vendor']}", f"Client: {wanted['client']}"]
    turned = split == "p" and number % 4 == 0
    return {
        "id": f"{split}{number}",
        "text": "\n".join(reversed(parts) if turned else parts),
        "wanted": wanted,
        "order": "turned" if turned else "usual",
    }


RECEIPTS: dict[str, Callable[[Path], Path]] = {
    "invoice": invoice,
    "scores": scores,
    "answers": answers,
    "graded": graded,
    "texts": texts,
    "audited": audited,
    "halves": halves,
    "hypotheses": hypotheses,
}
