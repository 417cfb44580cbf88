"""What is compared with what, of some files."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

from eval_autopsy.case.compared import Compared, compare
from eval_autopsy.case.found import find
from eval_autopsy.errors import CannotRead

SAMPLES = Path(__file__).resolve().parents[1] / "samples"
Row = dict[str, Any]


def rows(count: int, *, prefix: str = "t", wrong: int = 0, **more: Any) -> list[Row]:
    """Scored records, the first `wrong` of them wrong."""
    return [
        {
            "id": f"{prefix}{n}",
            "prompt": f"what is {prefix} {n}?",
            "output": f"{n}" if n >= wrong else "?",
            "label": f"{n}",
            **more,
        }
        for n in range(count)
    ]


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str, Iterable[Row]], Path]:
    def to(name: str, records: Iterable[Row]) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(json.dumps(one) + "\n" for one in records), encoding="utf-8")
        return path

    return to


Write = Callable[[str, Iterable[Row]], Path]


def compared(folder: Path) -> Compared:
    found = compare(find([folder]).files)
    assert found is not None
    return found


def roles(found: Compared) -> dict[str, str]:
    return {role.found.name: role.role for role in found.roles}


def test_the_names_of_files_tell_eval_from_production(tmp_path: Path, write: Write) -> None:
    write("eval.jsonl", rows(5))
    write("live.jsonl", rows(5, prefix="p"))
    found = compared(tmp_path)
    assert found.comparison == "two-sets"
    assert roles(found) == {"eval.jsonl": "eval", "live.jsonl": "production"}


def test_the_names_of_folders_tell_them_too(tmp_path: Path, write: Write) -> None:
    write("offline/run.jsonl", rows(5))
    write("production/run.jsonl", rows(5, prefix="p"))
    assert set(roles(compared(tmp_path)).values()) == {"eval", "production"}


def test_files_of_one_name_in_two_named_folders_are_told_apart(
    tmp_path: Path, write: Write
) -> None:
    write("eval/run.jsonl", rows(5))
    write("prod/run.jsonl", rows(8, prefix="p"))
    found = compare(find([tmp_path / "eval", tmp_path / "prod"]).files)
    assert found is not None
    assert roles(found) == {"eval/run.jsonl": "eval", "prod/run.jsonl": "production"}


def test_the_same_run_in_two_files_is_read_once(tmp_path: Path, write: Write) -> None:
    write("eval.jsonl", rows(20))
    (tmp_path / "eval.csv").write_text(
        "id,prompt,output,label,lang\n"
        + "".join(f"{r['id']},{r['prompt']},{r['output']},{r['label']},de\n" for r in rows(20))
    )
    write("production.jsonl", rows(20, prefix="p"))
    found = compared(tmp_path)
    left = next(role for role in found.roles if role.role == "left out")
    assert left.found.name == "eval.jsonl"  # the other one has a field more
    assert left.why == "the same answers to the same tasks are in eval.csv"


def test_a_table_of_the_verdicts_alone_is_the_same_run(tmp_path: Path, write: Write) -> None:
    scored = [{**one, "passed": one["output"] == one["label"]} for one in rows(20, wrong=4)]
    write("production.jsonl", scored)
    write("eval.jsonl", rows(20, prefix="e"))
    (tmp_path / "production.xml").write_text(
        "<testsuite>"
        + "".join(
            f'<testcase name="{one["id"]}">{"" if one["passed"] else "<failure/>"}</testcase>'
            for one in scored
        )
        + "</testsuite>"
    )
    assert roles(compared(tmp_path)) == {
        "eval.jsonl": "eval",
        "production.jsonl": "production",
        "production.xml": "left out",
    }


def junit(path: Path, *, wrong: int, began: str = "", count: int = 40) -> None:
    """JUnit XML as pytest writes it, of tests the first `wrong` of which fail."""
    tests = (f"<testcase name='t{n}'>{'<failure/>' * (n < wrong)}</testcase>" for n in range(count))
    time = f" timestamp='{began}'" if began else ""
    path.write_text(
        f"<testsuites><testsuite name='pytest'{time}>{''.join(tests)}</testsuite></testsuites>"
    )


def test_test_runs_are_a_pair_in_the_order_of_their_times(tmp_path: Path) -> None:
    junit(tmp_path / "results.xml", wrong=2, began="2026-01-01T10:00:00")
    junit(tmp_path / "results-after.xml", wrong=9, began="2026-01-02T10:00:00")
    found = compared(tmp_path)
    assert found.comparison == "paired"
    assert roles(found) == {"results.xml": "first run", "results-after.xml": "second run"}


@pytest.mark.parametrize("wrong", [0, 1], ids=["no test fails anew", "one test fails anew"])
def test_test_runs_of_two_times_are_a_pair_however_alike(tmp_path: Path, wrong: int) -> None:
    junit(tmp_path / "a.xml", wrong=0, began="2026-01-01T10:00:00")
    junit(tmp_path / "b.xml", wrong=wrong, began="2026-01-02T10:00:00")
    assert roles(compared(tmp_path)) == {"a.xml": "first run", "b.xml": "second run"}


def test_test_runs_without_a_time_are_a_pair_where_one_verdict_differs(tmp_path: Path) -> None:
    junit(tmp_path / "a.xml", wrong=0)
    junit(tmp_path / "b.xml", wrong=1)
    assert roles(compared(tmp_path)) == {"a.xml": "first run", "b.xml": "second run"}


def test_a_copy_of_a_test_run_is_left_out(tmp_path: Path) -> None:
    junit(tmp_path / "a.xml", wrong=3, began="2026-01-01T10:00:00")
    shutil.copy(tmp_path / "a.xml", tmp_path / "b.xml")
    assert why_left(compared(tmp_path)) == {
        "b.xml": "the same answers to the same tasks are in a.xml"
    }


def test_the_word_test_in_the_name_of_a_test_run_names_no_set(tmp_path: Path) -> None:
    junit(tmp_path / "test-results.xml", wrong=2)
    junit(tmp_path / "results.xml", wrong=9)
    assert compared(tmp_path).comparison == "paired"


def test_three_runs_of_the_same_tests_are_not_pooled(tmp_path: Path) -> None:
    for number in (1, 2, 3):
        junit(tmp_path / f"TEST-{number}.xml", wrong=number)
    found = compared(tmp_path)
    assert roles(found) == {
        "TEST-1.xml": "eval",
        "TEST-2.xml": "left out",
        "TEST-3.xml": "left out",
    }
    assert {*why_left(found).values()} == {
        "there are 3 runs of the same tasks: name two to have them compared"
    }


LM = SAMPLES / "lm_eval"
MC = "samples_support_mc_eval_2026-11-23T10-57-02.491683.jsonl"
ROUTE = "samples_support_route_eval_2026-11-23T10-57-02.491683.jsonl"
ROUTE_PROD = "samples_support_route_prod_2026-11-23T10-57-18.270558.jsonl.gz"


def why_left(found: Compared) -> dict[str, str]:
    return {role.found.name: role.why for role in found.roles if role.role == "left out"}


def test_of_two_tasks_the_one_that_production_has_is_its_eval(tmp_path: Path) -> None:
    for name in (MC, ROUTE, ROUTE_PROD):
        shutil.copy(LM / name, tmp_path)
    found = compared(tmp_path)
    assert roles(found) == {MC: "left out", ROUTE: "eval", ROUTE_PROD: "production"}
    why = "no production samples of the task support_mc are here, and of another task there are"
    assert why_left(found) == {MC: why}


def test_of_two_tasks_that_ask_the_same_the_one_like_production_is_its_eval(
    tmp_path: Path, write: Write
) -> None:
    for name in (MC, ROUTE):
        shutil.copy(LM / name, tmp_path)
    write("production.jsonl", rows(20))  # outputs in words, without confidence
    found = compared(tmp_path)
    assert roles(found) == {MC: "left out", ROUTE: "eval", "production.jsonl": "production"}
    why = "the task support_mc asks what support_route asks, which would count twice"
    assert why_left(found) == {MC: why}


def test_numbered_records_that_are_all_right_are_not_the_same_run(
    tmp_path: Path, write: Write
) -> None:
    write("requests.jsonl", ({"id": str(n), "passed": True} for n in range(50)))
    lines = (LM / ROUTE).read_text(encoding="utf-8").splitlines()
    right = [json.loads(line) | {"exact_match": 1.0} for line in lines]
    write("samples_support_2026-11-23T10-57-02.491683.jsonl", right)
    assert "left out" not in roles(compared(tmp_path)).values()


def test_numbered_verdicts_that_are_wrong_for_the_same_ids_are_the_same_run(
    tmp_path: Path, write: Write
) -> None:
    scored = [{**one, "id": n, "passed": n > 3} for n, one in enumerate(rows(50))]
    write("a.jsonl", scored)
    write("b.jsonl", ({"id": n, "passed": n > 3} for n in range(50)))
    assert why_left(compared(tmp_path)) == {
        "b.jsonl": "the same answers to the same tasks are in a.jsonl"
    }


def test_files_without_any_answer_are_not_left_out_for_the_same_answers(
    tmp_path: Path, write: Write
) -> None:
    write("a.jsonl", ({"id": f"t{n}", "prompt": f"what is {n}?"} for n in range(9)))
    write("b.jsonl", ({"id": f"t{n}", "prompt": f"what is {n}?"} for n in range(9)))
    assert not any("same answers" in why for why in why_left(compared(tmp_path)).values())


def test_two_runs_of_the_same_tasks_are_a_pair(tmp_path: Path, write: Write) -> None:
    write("a.jsonl", rows(20, wrong=2, created="2026-03-02T10:00:00+00:00"))
    write("b.jsonl", rows(20, wrong=9, created="2026-03-01T10:00:00+00:00"))
    found = compared(tmp_path)
    assert found.comparison == "paired"
    assert roles(found) == {"a.jsonl": "second run", "b.jsonl": "first run"}  # by their times


def test_files_with_nothing_in_common_and_no_names_are_looked_at_one_by_one(
    tmp_path: Path, write: Write
) -> None:
    write("a.jsonl", rows(20))
    write("b.jsonl", rows(30, prefix="other "))
    found = compared(tmp_path)
    assert found.comparison == "one-set"
    assert roles(found) == {"a.jsonl": "left out", "b.jsonl": "eval"}


def test_a_tools_log_is_eval_beside_plain_records(tmp_path: Path, write: Write) -> None:
    (tmp_path / "log.eval").write_bytes((SAMPLES / "inspect_ai" / "support_eval.eval").read_bytes())
    write("requests.jsonl", rows(20, prefix="p"))
    found = compared(tmp_path)
    assert roles(found) == {"log.eval": "eval", "requests.jsonl": "production"}


def test_what_is_no_data_is_passed_over_and_counted(tmp_path: Path, write: Write) -> None:
    write("eval.jsonl", rows(5))
    (tmp_path / "package.json").write_text("{}")
    (tmp_path / "settings.json").write_text('{\n "a": 1}\n')
    (tmp_path / "main.py").write_text("print()\n")
    (tmp_path / ".hidden.jsonl").write_text("{}")
    (tmp_path / "node_modules").mkdir()
    write("node_modules/eval.jsonl", rows(5))
    place = find([tmp_path])
    assert [one.name for one in place.files] == ["eval.jsonl"]
    assert place.passed_over == 3


def test_data_that_cannot_be_read_is_said_with_the_reason(tmp_path: Path, write: Write) -> None:
    write("eval.jsonl", rows(5))
    (tmp_path / "broken.csv").write_bytes(b"id,output\n1,a,b\n")
    broken = next(one for one in find([tmp_path]).files if one.name == "broken.csv")
    assert "expected 2" in broken.why


def test_an_empty_table_is_said_to_be_empty(tmp_path: Path, write: Write) -> None:
    write("eval.jsonl", [])
    write("production.jsonl", rows(5))
    empty = next(one for one in find([tmp_path]).files if one.name == "eval.jsonl")
    assert empty.why == "the file is empty"


def test_a_named_file_that_is_no_data_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "model.pkl"
    path.write_bytes(b"\x80\x04x")
    with pytest.raises(CannotRead, match="pickle"):
        find([path])


def test_links_out_of_a_folder_are_not_followed(tmp_path: Path, write: Write) -> None:
    write("outside/eval.jsonl", rows(5))
    inside = tmp_path / "inside"
    inside.mkdir()
    (inside / "link").symlink_to(tmp_path / "outside")
    (inside / "eval.jsonl").symlink_to(tmp_path / "outside" / "eval.jsonl")
    assert find([inside]).files == ()


def copied(folder: Path, *tools: str) -> None:
    for tool in tools:
        shutil.copytree(SAMPLES / tool, folder / tool)


def test_logs_of_several_tools_are_looked_at_a_tool_at_a_time(tmp_path: Path) -> None:
    copied(tmp_path, "inspect_ai", "promptfoo", "deepeval")
    found = compared(tmp_path)
    used = {
        role.found.name.split("/")[0] for role in found.roles if role.role in ("eval", "production")
    }
    assert len(used) == 1
    assert found.comparison == "two-sets"
    assert found.others.startswith("records of 3 kinds are here")


def test_traces_beside_one_tools_eval_logs_are_its_production(tmp_path: Path) -> None:
    copied(tmp_path, "otel", "inspect_ai")
    (tmp_path / "inspect_ai" / "support_prod.json.gz").unlink()
    for path in (tmp_path / "otel").iterdir():
        if "prod" not in path.name:
            path.unlink()
    found = compared(tmp_path)
    assert {role.found.format: role.role for role in found.roles if role.found.format} == {
        "inspect_eval": "eval",
        "otlp": "production",
    }


def test_categories_of_one_run_are_no_two_sets(tmp_path: Path) -> None:
    copied(tmp_path, "bfcl")
    found = compared(tmp_path)
    assert found.comparison == "one-set"
    assert sum(role.role == "eval" for role in found.roles) == 2


def test_a_file_for_each_task_is_one_run(tmp_path: Path) -> None:
    copied(tmp_path, "agentdojo")
    found = compared(tmp_path)
    assert found.comparison == "one-set"
    assert {role.role for role in found.roles if role.found.yields == "samples"} == {"eval"}
