"""One decorated function of a user or of another package is a feature like ours, but given."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from eval_autopsy import api, kernel, registry
from eval_autopsy.case.load import load
from eval_autopsy.errors import BadCase, CannotRun, CannotUse
from eval_autopsy.features import listed, wanted
from eval_autopsy.receipt.certify import certify
from eval_autopsy.receipt.verify import verify

from .conftest import Call

TOPIC = '''
from eval_autopsy import feature

@feature("topic", of="input")
def topic(text: str) -> str:
    """what the customer wants"""
    return "refund" if "money" in text else "other"
'''
CASE = """
name = "own"
[data]
eval = "eval.jsonl"
production = "production.jsonl"
[fields]
input = "text"
output = "reply"
expected = "wanted"
[slices]
by = ["kind"]
features_file = "my_features.py"
"""


def own(folder: Path, code: str = TOPIC, case: str = CASE) -> Path:
    """A case of which production is wrong wherever money is asked for."""
    (folder / "my_features.py").write_text(code)
    (folder / "autopsy.toml").write_text(case)
    for split in ("eval", "production"):
        rows = []
        for n in range(40):
            asks = split == "production" and n % 4 == 0
            text = "give me my money" if asks else f"when do you open, {n}"
            row = {"id": f"{split}{n}", "text": text, "kind": "ab"[n % 2], "wanted": "ok"}
            rows.append(json.dumps({**row, "reply": "no" if asks else "ok"}) + "\n")
        (folder / f"{split}.jsonl").write_text("".join(rows))
    return folder


def test_a_receipt_stores_its_levels_and_says_given(tmp_path: Path) -> None:
    done = certify(load(own(tmp_path)), tmp_path)
    held = verify(done.folder)
    assert held.verdict == "holds"
    lines = [json.loads(line) for line in (done.folder / "verdicts.jsonl").read_text().splitlines()]
    assert lines[40]["levels"] == {"topic(input)": "refund"}
    about = [one for one in held.predicate["claims"] if "topic(input)" in one["id"]]
    assert {one["rests_on"] for one in about} == {"given"}
    others = {one["id"]: one["rests_on"] for one in held.predicate["claims"]}
    assert others["rate.production.right.counted"] == "re-scored"
    assert '{"' not in (done.folder / "REPORT.md").read_text().partition("## Measurements")[0]
    report = (done.folder / "REPORT.md").read_text()
    assert "`topic` of the input is `refund`" in report
    assert "`topic` of the input (`what the customer wants`)" in report
    assert any(one["name"].endswith("my_features.py") for one in held.statement["subject"])


def test_the_command_line_takes_a_file_and_forgets_it(call: Call, folder: Path) -> None:
    own(folder, case=CASE.replace('features_file = "my_features.py"', ""))
    found = json.loads(call("slices", ".", "--features-file", "my_features.py", "--json").out)
    assert {one["attribute"] for one in found["attributes"]} == {"kind", "topic(input)"}
    assert found["slices"][0]["words"] == "`topic` of the input is `refund`"
    assert found["slices"][0]["wrong"] == 10
    without = json.loads(call("slices", ".", "--json").out)
    assert {one["attribute"] for one in without["attributes"]} == {"kind"}
    said = call("slices", ".", "--features-file", "nope.py")
    assert (said.code, said.out) == (2, "")
    assert "nope.py: there is no such file" in said.err


def test_the_listing_has_ours_and_theirs_with_the_package(call: Call, folder: Path) -> None:
    own(folder)
    said = call("features", "--features-file", "my_features.py")
    lines = said.out.splitlines()
    assert lines[-1].split("  ")[-1].strip() == "what the customer wants [my_features.py]"
    assert lines[0].split() == [
        "field_order(input)",
        *["order", "of", "labelled", "fields", "in", "the", "input"],
    ]
    found = json.loads(call("features", "--json").out)["features"]
    assert {one["package"] for one in found} == {"eval-autopsy"}
    assert {one["name"].partition("(")[0] for one in found} == set(kernel.FEATURES)


@pytest.mark.parametrize(
    ("code", "what"),
    [
        (
            TOPIC.replace('"topic"', '"length"'),
            "the feature 'length' is registered by the package eval-autopsy and by the file "
            "my_features.py",
        ),
        (TOPIC + TOPIC, "the feature 'topic' is registered twice by the file my_features.py"),
        (
            TOPIC.replace('"""what the customer wants"""', ""),
            "the feature 'topic' of the file my_features.py has no docstring",
        ),
        (
            TOPIC.replace('of="input"', 'of="mood"'),
            "the feature 'topic' of 'mood' cannot be registered",
        ),
        (
            TOPIC.replace('"topic"', '"To pic"'),
            "the feature 'To pic' of 'input' cannot be registered",
        ),
        ("import nothing_of_that_name", "the file does not load: ModuleNotFoundError"),
        ("raise SystemExit(3)", "the file does not load: SystemExit: 3"),
        ("x = 1", "the file registers no feature"),
    ],
)
def test_a_file_that_cannot_be_used_is_named(tmp_path: Path, code: str, what: str) -> None:
    before = registry.features.names()
    with pytest.raises(CannotUse) as caught:
        wanted([], [own(tmp_path, code) / "my_features.py"])
    assert what in caught.value.what
    assert "my_features.py" in str(caught.value) or "cannot be registered" in what
    assert registry.features.names() == before


@pytest.mark.parametrize(
    ("body", "what"),
    [
        ("return 1 / 0", "failed on the record 'eval0': ZeroDivisionError"),
        ("return [text]", "says ['when do you open, 0'] of the record 'eval0', expected text"),
        ("return float('nan')", "says nan of the record 'eval0', expected text"),
        ("return '\\ud800'", "says '\\ud800' of the record 'eval0', expected text"),
        ("return {}", "says {} of the record 'eval0', expected text"),
    ],
)
def test_a_feature_that_fails_names_the_record_and_the_file(
    tmp_path: Path, body: str, what: str
) -> None:
    code = TOPIC.replace('return "refund" if "money" in text else "other"', body)
    with pytest.raises(CannotRun) as caught:
        api.open(own(tmp_path, code)).slices()
    assert f"the feature 'topic' of my_features.py {what}" in caught.value.what
    assert caught.value.where.endswith("eval.jsonl:1")


@pytest.mark.parametrize("value", ["None", "True", "len(text)", "0.1 * len(text)", "'\\u202e\\n'"])
def test_any_scalar_is_a_level_that_the_receipt_verifies(tmp_path: Path, value: str) -> None:
    code = TOPIC.replace('"refund" if "money" in text', f'{value} if "money" in text')
    done = certify(load(own(tmp_path, code)), tmp_path)
    assert verify(done.folder).verdict == "holds"


def test_a_named_feature_of_a_file_is_the_only_one_taken(tmp_path: Path) -> None:
    two = TOPIC + TOPIC.replace("topic", "mood").replace("from eval_autopsy import feature", "")
    path = own(tmp_path, two) / "my_features.py"
    assert [one.name for one in wanted([], [path])] == ["topic(input)", "mood(input)"]
    assert [one.name for one in wanted(["mood(input)"], [path])] == ["mood(input)"]
    names = [one.name for one in wanted(["length(output)"], [path])]
    assert names == ["length(output)", "topic(input)", "mood(input)"]
    with pytest.raises(BadCase, match=r"there is no feature 'mod\(input\)'") as caught:
        wanted(["mod(input)"], [path])
    assert "'mood(input)'" in caught.value.remedy
    assert [one.name for one in listed([path])][-2:] == ["topic(input)", "mood(input)"]
