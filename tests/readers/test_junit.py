"""JUnit XML gives the verdicts that the facts about it say, and no more than it has."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from collections import Counter
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eval_autopsy import kernel
from eval_autopsy.errors import CannotRead
from eval_autopsy.readers.files import open_rows
from eval_autopsy.readers.junit import DEEPEST, LONGEST_TAG, junit
from eval_autopsy.readers.logs import Needs, Note, Reported, Sample

from .log_facts import SAMPLES, Read, as_records, claimants, facts, rates, read, reconciled

PYTEST, PROMPTFOO = SAMPLES / "junit" / "pytest.xml", SAMPLES / "junit" / "promptfoo.xml"


def of(folder: Path, inside: str) -> Read:
    """What is read from test cases written by hand."""
    path = folder / "junit.xml"
    path.write_text(f"<testsuites><testsuite name='s'>{inside}</testsuite></testsuites>")
    return read(path)


@pytest.mark.parametrize("path", [PYTEST, PROMPTFOO], ids=lambda path: path.name)
def test_one_reader_claims_each_file(path: Path) -> None:
    assert claimants(path) == ["junit"]


def test_what_pytest_wrote_counts_as_the_facts_say() -> None:
    known = facts("junit", "pytest")
    rows = read(PYTEST).rows
    assert len(rows) == known["n"]
    (errored,) = (row for row in rows if row["status"] == "errored")
    (skipped,) = (row for row in rows if row["status"] == "unscored")
    assert known["error_record"] in errored["id"]
    assert known["skipped_record"] in skipped["id"]
    assert errored["error"].startswith("failed on setup with")
    assert (errored["score"], skipped["score"]) == (None, None)
    right = known["n_ok"] - known["error_planned_ok"] - known["skip_planned_ok"]
    assert sum(row["score"] is True for row in rows) == right
    assert sum(row["score"] is False for row in rows) == known["n"] - right - 2


@pytest.mark.parametrize(("attribute", "parameter"), [("topic", 1), ("lang", 2), ("channel", 3)])
def test_the_parts_of_a_parametrized_name_count_as_the_facts_say(
    attribute: str, parameter: int
) -> None:
    known = facts("junit", "pytest")
    # The case that erred before its properties were recorded has its values in its name only.
    found = rates(read(PYTEST).rows, f"parameter {parameter}", errors_right=True)
    assert found == known["by"][attribute]


def test_properties_count_as_the_facts_say() -> None:
    known = facts("junit", "pytest")
    rows = [row for row in read(PYTEST).rows if row["status"] != "errored"]
    inside = [row for row in rows if (row["topic"], row["lang"]) == ("shipping", "de")]
    assert len(inside) == known["planted"]["n"]
    assert sum(row["score"] is True for row in inside) == known["planted"]["ok"]


def test_a_test_has_the_time_at_which_its_innermost_suite_with_a_time_began(tmp_path: Path) -> None:
    path = tmp_path / "junit.xml"
    path.write_text(
        "<testsuites><testsuite timestamp='2026-01-01T10:00:00'><testcase name='a'/>"
        "<testsuite timestamp='2026-01-01T11:00:00'><testcase name='b'/></testsuite>"
        "<testsuite><testcase name='c'/></testsuite></testsuite>"
        "<testsuite><testcase name='d'/></testsuite></testsuites>"
    )
    assert {row["id"]: row.get("timestamp") for row in read(path).rows} == {
        "a": "2026-01-01T10:00:00",
        "b": "2026-01-01T11:00:00",
        "c": "2026-01-01T10:00:00",
        "d": None,
    }


def test_what_promptfoo_wrote_has_the_tasks_and_the_system() -> None:
    # 110 tests, 28 failures and one error, as the attributes of its root say.
    known = facts("promptfoo", "prod")
    rows = read(PROMPTFOO).rows
    assert Counter(row["score"] for row in rows) == {True: 81, False: 28, None: 1}
    assert {row["system"] for row in rows} == {"router-v1"}
    assert [row["id"] for row in rows if row["status"] == "errored"] == [known["error_record"]]


def test_the_verdicts_in_promptfoos_xml_are_those_of_its_other_exports() -> None:
    other = read(SAMPLES / "promptfoo" / "routing_prod.jsonl.gz").rows
    expected = {row["id"]: row["score"] for row in other}
    assert {row["id"]: row["score"] for row in read(PROMPTFOO).rows} == expected


@pytest.mark.parametrize("path", [PYTEST, PROMPTFOO], ids=lambda path: path.name)
def test_what_the_suites_state_follows_from_their_cases(path: Path) -> None:
    found = reconciled(read(path))
    assert {one.reported.name for one in found} == {"samples", "errors", "mean of passed"}
    assert [one.words() for one in found if not one.same] == []


@pytest.mark.parametrize("path", [PYTEST, PROMPTFOO], ids=lambda path: path.name)
def test_a_file_passes_the_intake(path: Path) -> None:
    records = as_records(path)
    assert len(records) == 2 * len(read(path).rows)
    assert records[0].latency == Decimal(read(path).rows[0]["latency"])


def test_the_file_says_that_it_has_no_inputs() -> None:
    assert [need.what for need in read(PYTEST).log.needs] == ["inputs and outputs"]


def test_outcomes_are_told_apart(tmp_path: Path) -> None:
    found = of(
        tmp_path,
        """<testcase name='a'/>
        <testcase name='b'><failure message='assert 1 == 2'/></testcase>
        <testcase name='c'><error>broke</error></testcase>
        <testcase name='d'><skipped/></testcase>
        <testcase name='e'><failure message='x'/><error message='at its end'/></testcase>""",
    )
    assert [(row["id"], row["score"], row["status"]) for row in found.rows] == [
        ("a", True, "answered"),
        ("b", False, "answered"),
        ("c", None, "errored"),
        ("d", None, "unscored"),
        ("e", False, "answered"),
    ]
    assert found.rows[2]["error"] == "broke"


def test_a_failure_that_is_no_assertion_is_noted(tmp_path: Path) -> None:
    inside = "".join(
        f"<testcase name='{at}'><failure message='{message}'/></testcase>"
        for at, message in enumerate(
            [
                "AssertionError: assert 1",
                "assert 1 == 2",
                "httpx.ReadTimeout: slow",
                "ValueError: x",
            ]
        )
    )
    found = of(tmp_path, inside)
    assert [row["score"] for row in found.rows] == [False] * 4
    assert [note.text[:10] for note in found.log.notes] == ["2 failures"]


def test_tests_of_one_name_are_repeats(tmp_path: Path) -> None:
    case = "<testcase classname='c' name='a'/>"
    assert [(row["id"], row["cluster"]) for row in of(tmp_path, case * 2).rows] == [
        ("c::a", "c::a"),
        ("c::a#2", "c::a"),
    ]


def test_a_property_may_have_its_value_as_text(tmp_path: Path) -> None:
    properties = "<properties><property name='lang'>de</property></properties>"
    (row,) = of(tmp_path, f"<testcase name='a'>{properties}</testcase>").rows
    assert row["lang"] == "de"


def test_suites_that_do_not_count_state_nothing(tmp_path: Path) -> None:
    assert of(tmp_path, "<testcase name='a'/>").log.reported == []


# Hostile files.

ENTITIES = '<!DOCTYPE t [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]>'
OUTSIDE = '<!DOCTYPE t [<!ENTITY a SYSTEM "file:///etc/passwd">]>'


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (f"{ENTITIES}<testsuites><testsuite name='&b;'/></testsuites>", "document type"),
        (f"{OUTSIDE}<testsuites>&a;</testsuites>", "document type"),
        ("<testsuites><testcase name='a'/>", "damaged: no element found"),
        ("<testsuites><testcase name='a'></testsuites>", "damaged: mismatched tag"),
        ("<testsuites>&a;</testsuites>", "damaged: undefined entity"),
        ("<?xml version='1.0' encoding='foo'?><testsuites/>", "damaged: unknown encoding"),
        ("<testsuites>" + "<testsuite>" * DEEPEST, "nested too deeply"),
        ("<testsuites name='" + "a" * (LONGEST_TAG + 2**17), "longer than 4 MiB"),
    ],
    ids=lambda value: value[:24],
)
def test_a_hostile_document_is_one_error(text: str, says: str) -> None:
    with pytest.raises(kernel.Unreadable, match=says):
        list(junit.read(io.BytesIO(text.encode()), "junit.xml"))


def test_a_file_with_a_document_type_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "junit.xml"
    path.write_text(f"<?xml version='1.0'?>{ENTITIES}<testsuites>&b;</testsuites>")
    with pytest.raises(CannotRead, match="XML document"):
        read(path)


def test_a_long_text_is_passed_over(tmp_path: Path) -> None:
    text = "x" * (2 * kernel.LINE_LIMIT)
    (row,) = of(tmp_path, f"<testcase name='a'><failure>{text}</failure></testcase>").rows
    assert row["score"] is False


@settings(max_examples=60)
@given(st.data())
def test_no_damaged_byte_breaks_the_reader(data: st.DataObject) -> None:
    raw = bytearray(PYTEST.read_bytes()[:3000] + b"</testcase></testsuite></testsuites>")
    for _ in range(data.draw(st.integers(0, 4))):
        at = data.draw(st.integers(0, len(raw) - 1))
        raw[at : at + data.draw(st.integers(0, 2))] = data.draw(st.binary(max_size=3))
    try:
        items = list(junit.read(io.BytesIO(bytes(raw)), "junit.xml"))
    except kernel.Unreadable:
        return
    assert all(isinstance(item, (Sample, Reported, Note, Needs)) for item in items)


def test_what_pytest_writes_here_and_now_is_read_with_its_own_counts(tmp_path: Path) -> None:
    (tmp_path / "test_routes.py").write_text(
        "import pytest\n"
        "@pytest.fixture\n"
        "def broken():\n"
        "    raise OSError('no network')\n"
        "@pytest.mark.parametrize('n', range(7))\n"
        "def test_route(n):\n"
        "    assert n % 3\n"
        "def test_error(broken): pass\n"
        "@pytest.mark.skip(reason='later')\n"
        "def test_later(): pass\n"
    )
    log = tmp_path / "log.xml"
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--junitxml={log}"]
    done = subprocess.run(
        [*command, "--rootdir", str(tmp_path), "-c", os.devnull, "test_routes.py"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "3 failed, 4 passed, 1 skipped, 1 error" in done.stdout
    rows = [row.fields for row in open_rows(log)[1]]
    assert Counter(row["score"] for row in rows) == {True: 4, False: 3, None: 2}
    assert Counter(row["status"] for row in rows) == {"answered": 7, "errored": 1, "unscored": 1}
