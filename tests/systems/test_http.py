"""An endpoint that answers, and each way in which it can fail to."""

from __future__ import annotations

import json
import socket
import time
from pathlib import Path
from typing import Any

import pytest

from eval_autopsy import kernel, systems
from eval_autopsy.case.load import Case, load
from eval_autopsy.errors import CannotRun
from eval_autopsy.systems.network import is_public

from .cases import case
from .faulty_endpoint import RETRY_AFTER, FaultyEndpoint


def echo(body: dict[str, Any]) -> bytes:
    return json.dumps({"choices": [{"text": body["prompt"]}]}).encode()


def asking(folder: Path, url: str, more: str = "", http: str = "") -> Case:
    """A case that asks an endpoint of this machine."""
    return case(
        folder,
        f"""
        timeout = 2
        {more}
        [system.http]
        url = "{url}"
        body = {{ prompt = "{{input}}", size = 1.50 }}
        output = "choices.0.text"
        allow_private = true
        {http}
        """,
    )


def answers_of(found: Case, *inputs: object) -> tuple[list[kernel.Answer], systems.Spent]:
    with systems.opened(found, None) as runner:
        return runner.answers(inputs), runner.spent


def test_the_input_goes_where_the_body_says_and_the_output_is_where_the_case_says(
    tmp_path: Path,
) -> None:
    inputs = ["ä {input}", {"a": [1]}, None]
    with FaultyEndpoint(echo) as endpoint:
        answers, spent = answers_of(asking(tmp_path, endpoint.url), *inputs)
    assert [answer.output for answer in answers] == inputs
    assert endpoint.requests[0] == {"prompt": "ä {input}", "size": 1.5}
    assert spent.calls == 3


@pytest.mark.parametrize("fault", ["busy", "overloaded", "stalled", "cut", "dripping"])
def test_what_did_not_reach_the_system_is_asked_again_with_the_same_key(
    tmp_path: Path, fault: str
) -> None:
    with FaultyEndpoint(echo, [fault]) as endpoint:
        found = asking(tmp_path, endpoint.url, http='idempotency_header = "Idempotency-Key"')
        answers, spent = answers_of(found, "x", "y")
    assert [answer.output for answer in answers] == ["x", "y"]
    keys = [headers["idempotency-key"] for headers in endpoint.headers]
    assert keys[0] == keys[1] != keys[2]
    assert (spent.calls, spent.retries) == (2, 1)


def test_retry_after_holds_back_all_calls(tmp_path: Path) -> None:
    with FaultyEndpoint(echo, ["busy"]) as endpoint:
        answers_of(asking(tmp_path, endpoint.url, "concurrency = 4"), *range(12))
    begun = [moment - endpoint.times[0] for moment in endpoint.times]
    # Three others may be on their way when the first is sent away.
    assert all(moment >= RETRY_AFTER for moment in begun if moment > 0.5)
    assert sum(moment < 0.5 for moment in begun) < 12


def test_an_answer_of_a_gigabyte_ends_at_the_limit(tmp_path: Path) -> None:
    with FaultyEndpoint(echo, ["endless"]) as endpoint:
        found = asking(tmp_path, endpoint.url, 'output_limit = "1 MB"')
        answers, _ = answers_of(found, "x", "y")
    assert answers[0].error == "OutputLimit: the system gave more than 1,000,000 bytes"
    assert answers[1].output == "y"


def test_a_packed_answer_is_not_unpacked(tmp_path: Path) -> None:
    with FaultyEndpoint(echo, ["packed"]) as endpoint:
        answers, _ = answers_of(asking(tmp_path, endpoint.url), "x", "y")
        assert endpoint.headers[0]["accept-encoding"] == "identity"
    error = "OutputLimit: the answer is packed, though that was not asked for"
    assert (answers[0].error, answers[1].output) == (error, "y")


def test_a_bad_request_is_the_records_own_and_is_called_again_in_a_later_run(
    tmp_path: Path,
) -> None:
    with FaultyEndpoint(echo, ["bad_request"]) as endpoint:
        found = asking(tmp_path, endpoint.url)
        journal = systems.journal_of(found)
        with systems.opened(found, journal) as runner:
            first = runner.answers(["x", "y"])
        with systems.opened(found, journal) as runner:
            second = runner.answers(["x", "y"])
    assert (first[0].error or "").startswith("HTTPError: the endpoint says 400: ")
    assert [answer.output for answer in second] == ["x", "y"]
    assert [request["prompt"] for request in endpoint.requests] == ["x", "y", "x"]


@pytest.mark.parametrize(
    ("fault", "reason"),
    [("no_key", "the endpoint says 401"), ("elsewhere", "redirects to http://127.0.0.1:9/")],
)
def test_what_any_input_would_get_ends_the_run(tmp_path: Path, fault: str, reason: str) -> None:
    with (
        FaultyEndpoint(echo, [fault]) as endpoint,
        pytest.raises(CannotRun, match=reason),
    ):
        answers_of(asking(tmp_path, endpoint.url), "x", "y")
    assert len(endpoint.requests) == 1


def test_a_run_of_failures_ends_and_keeps_what_was_answered(tmp_path: Path) -> None:
    faults = ["none", "none"] + ["overloaded"] * 50
    with FaultyEndpoint(echo, faults) as endpoint:
        found = asking(tmp_path, endpoint.url, "retries = 0\ngive_up = 5")
        journal = systems.journal_of(found)
        with (
            systems.opened(found, journal) as runner,
            pytest.raises(CannotRun, match="5 calls in a row failed, the last with HTTPError"),
        ):
            runner.answers(list(range(20)))
        assert len(endpoint.requests) == 7
        endpoint.faults.clear()
        with systems.opened(found, journal) as runner:
            answers = runner.answers(list(range(20)))
            assert runner.spent.journalled == 2
    assert [answer.output for answer in answers] == list(range(20))


def test_an_address_of_this_machine_is_refused_unless_the_case_allows_it(tmp_path: Path) -> None:
    with FaultyEndpoint(echo) as endpoint:
        url = endpoint.url.replace("127.0.0.1", "localhost")
        found = asking(tmp_path, url)
        text = found.path.read_text(encoding="utf-8").replace("allow_private = true", "")
        found.path.write_text(text, encoding="utf-8")
        with pytest.raises(CannotRun, match=r"localhost is .*, an address that is not public"):
            answers_of(load(found.folder), "x")
    assert endpoint.requests == []


def test_the_address_is_looked_at_and_the_name_is_sent(tmp_path: Path) -> None:
    with FaultyEndpoint(echo) as endpoint:
        url = endpoint.url.replace("127.0.0.1", "localhost")
        answers, _ = answers_of(asking(tmp_path, url), "x")
    assert answers[0].output == "x"
    assert endpoint.headers[0]["host"].startswith("localhost:")


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("8.8.8.8", True),
        ("2606:4700::1", True),
        ("127.0.0.1", False),
        ("10.1.2.3", False),
        ("169.254.169.254", False),
        ("100.64.0.1", False),
        ("::1", False),
        ("fe80::1%eth0", False),
        ("::ffff:127.0.0.1", False),
        ("0.0.0.0", False),
    ],
)
def test_only_an_address_of_the_open_internet_is_public(address: str, public: bool) -> None:
    assert is_public(address) is public


def test_a_proxy_of_the_environment_is_not_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    with FaultyEndpoint(echo) as endpoint:
        answers, _ = answers_of(asking(tmp_path, endpoint.url), "x")
    assert answers[0].output == "x"


def test_a_secret_is_sent_and_kept_nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_TOKEN", "s3cr3t-t0k3n")
    with FaultyEndpoint(echo) as endpoint:
        found = asking(tmp_path, endpoint.url, http='headers_env = { X-Token = "MY_TOKEN" }')
        with systems.opened(found, systems.journal_of(found)) as runner:
            runner.answers(["x"])
    assert endpoint.headers[0]["x-token"] == "s3cr3t-t0k3n"
    for path in (found.folder / ".autopsy").iterdir():
        assert b"s3cr3t" not in path.read_bytes()
    monkeypatch.delenv("MY_TOKEN")
    with pytest.raises(CannotRun, match="the environment variable MY_TOKEN is not set"):
        answers_of(found, "x")


def test_nobody_there_is_an_error_after_the_retries(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
        started = time.monotonic()
        answers, spent = answers_of(asking(tmp_path, url, "retries = 1"), "x")
    assert (answers[0].error or "").startswith("ConnectionError: ")
    assert spent.retries == 1
    assert time.monotonic() - started < 5


def test_no_more_calls_are_made_at_a_time_or_in_a_second_than_the_case_allows(
    tmp_path: Path,
) -> None:
    def slowly(body: dict[str, Any]) -> bytes:
        time.sleep(0.05)
        return echo(body)

    with FaultyEndpoint(slowly) as endpoint:
        answers_of(asking(tmp_path, endpoint.url, "concurrency = 3"), *range(12))
        assert endpoint.most_at_a_time == 3
    with FaultyEndpoint(echo) as endpoint:
        answers_of(asking(tmp_path, endpoint.url, "concurrency = 8\nrate = 10"), *range(11))
        assert endpoint.times[-1] - endpoint.times[0] > 0.95
