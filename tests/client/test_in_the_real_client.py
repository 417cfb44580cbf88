"""From the marketplace to a verified receipt in the real client; only the model is scripted."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from eval_autopsy.readers import open_rows

from .literal_model import Judgement, LiteralModel, speaker
from .real_client import PLUGIN, ROOT, Client, Conversation
from .scripted_endpoint import Say, ScriptedEndpoint, Use

CASE = "examples/invoice-extraction"
RECEIPT = "receipts/invoice-extraction"
SAMPLES = ROOT / "tests" / "samples"
AGENT = f"{PLUGIN}:autopsy-investigator"


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Client:
    """The client, with the plugin installed."""
    client = Client(tmp_path_factory.mktemp("client"))
    # The first run makes the engine's environment; a prompt should not wait for that.
    command = ["sh", str(client.copy / "bin" / "autopsy"), "--version"]
    subprocess.run(command, check=True, cwd=client.work, capture_output=True)
    client.install()
    return client


@pytest.fixture
def case(client: Client) -> Iterator[Path]:
    """The user's folder, with the example in it and no receipt."""
    hidden = shutil.ignore_patterns(".autopsy", "__pycache__")
    shutil.copytree(ROOT / CASE, client.work / CASE, ignore=hidden)
    yield client.work / CASE
    empty(client.work)


def empty(folder: Path) -> None:
    for path in folder.iterdir():
        shutil.rmtree(path)


def talk(
    client: Client, prompt: str, judgement: Judgement | None = None
) -> tuple[Conversation, LiteralModel]:
    """The conversation, and the model that had it; both without trouble."""
    model = LiteralModel(client.work, judgement)
    with ScriptedEndpoint(model) as endpoint:
        conversation = client.prompt(prompt, endpoint.url)
    assert endpoint.troubles == []
    assert model.prompts, conversation.answer
    return conversation, model


def digest(folder: Path) -> str:
    """One digest of every name and byte in a folder."""
    whole = hashlib.sha256()
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        whole.update(str(path.relative_to(folder)).encode() + b"\0" + path.read_bytes() + b"\0")
    return whole.hexdigest()


def holds(client: Client) -> bool:
    """Whether the receipt's own verifier, on a bare Python, says that the receipt holds."""
    verifier = client.work / RECEIPT / "verify.py"
    return subprocess.run([sys.executable, "-I", str(verifier)], check=False).returncode == 0


def first_line(client: Client) -> str:
    return (client.work / RECEIPT / "REPORT.md").read_text(encoding="utf-8").splitlines()[0]


def test_strict_validation_passes(client: Client) -> None:
    assert "Validation passed" in client.plugin("validate", "--strict", "../copy")


def test_the_inventory_is_two_commands_four_skills_and_two_agents(client: Client) -> None:
    details = client.plugin("details", PLUGIN)
    listed = dict(re.findall(r"^  (\w+) \(\d+\) *(.*)$", details, re.MULTILINE))
    assert set(listed["Skills"].split(", ")) == {
        "production-autopsy",
        "tool-eval",
        "write-a-perturbation",
        "write-a-reader",
        "autopsy",
        "slice-report",
    }
    assert set(listed["Agents"].split(", ")) == {"autopsy-investigator", "receipt-skeptic"}
    assert listed["Hooks"] == ""


def test_a_session_that_does_not_use_the_plugin_pays_under_400_tokens(client: Client) -> None:
    details = client.plugin("details", PLUGIN)
    cost = re.search(r"Always-on: +~(\d+) tok", details)
    assert cost is not None, details
    assert int(cost[1]) < 400


def test_a_skill_of_a_command_s_name_would_never_be_read(tmp_path: Path) -> None:
    """Why docs/decisions/0015 has none: should this fail, the client has come to read it."""
    client = Client(tmp_path)
    skill = client.copy / "skills" / "slice-report" / "SKILL.md"
    skill.parent.mkdir()
    skill.write_text("---\nname: slice-report\ndescription: Use when slices\n---\n\nNever read.\n")
    client.install()
    assert client.plugin("details", PLUGIN).count("slice-report, slice-report") == 1
    shutil.copytree(SAMPLES / "inspect_ai", client.work / "logs")
    for name in ("/slice-report", f"/{PLUGIN}:slice-report"):
        with ScriptedEndpoint(lambda request: Say("done")) as endpoint:
            client.prompt(f"{name} logs", endpoint.url)
        sent = json.dumps(endpoint.requests)
        assert "Say which comparison it made" in sent  # a step of the command
        assert "Never read." not in sent


@pytest.mark.usefixtures("case")
@pytest.mark.parametrize("command", ["/autopsy", f"/{PLUGIN}:autopsy"])
def test_the_autopsy_command_ends_in_a_verified_receipt(client: Client, command: str) -> None:
    plugin = digest(client.copy)
    conversation, model = talk(client, f"{command} {CASE}")
    assert conversation.denials == []
    verbs = [line.split()[1] for line in model.commands("investigator")]
    investigated = [
        *("next", "run", "next", "hypothesise", "next", "ablate", "next", "shrink", "next"),
        *("run", "claims", "narrate", "narrate", "certify"),
    ]
    answered = ["next", "run", "next", "run", "claims", "narrate", "narrate", "certify"]
    assert verbs == investigated + answered
    receipt = client.work / RECEIPT
    assert model.commands("skeptic") == [f"autopsy verify {receipt}", f"autopsy claims {receipt}"]
    assert model.commands("main") == [f"autopsy verify {receipt}"]
    report = (receipt / "REPORT.md").read_text(encoding="utf-8")
    assert "> It reads by position.\n" in report
    assert "> - objection: nothing but the order of the fields was logged.\n" in report
    assert "> - answer: what was varied is the order alone.\n" in report
    assert holds(client)
    assert first_line(client) in conversation.answer
    assert "The receipt holds" in conversation.answer
    assert f"autopsy verify {client.work / RECEIPT}" in conversation.answer
    assert digest(client.copy) == plugin


@pytest.mark.usefixtures("case")
@pytest.mark.parametrize("command", ["/slice-report", f"/{PLUGIN}:slice-report"])
def test_the_slice_report_command_ends_in_a_verified_receipt(client: Client, command: str) -> None:
    conversation, model = talk(client, f"{command} {CASE}")
    assert conversation.denials == []
    assert "reorder" in model.prompts["main"].partition("ARGUMENTS")[0]
    assert model.commands("main") == [f"autopsy run {CASE}", f"autopsy verify {RECEIPT}"]
    assert holds(client)
    assert "The receipt holds" in conversation.answer


def test_a_slice_report_of_a_log_and_records_needs_no_case(client: Client) -> None:
    logs = client.work / "logs"
    logs.mkdir()
    shutil.copy(SAMPLES / "inspect_ai" / "support_eval.eval", logs)
    (logs / "production.jsonl").write_text(production_of(SAMPLES / "inspect_ai"))
    conversation, model = talk(client, "/slice-report logs")
    assert conversation.denials == []
    shown = model.prompts["main"].partition("ARGUMENTS")[0]
    assert "86 of 94 right" in shown
    assert "75 of 99 right" in shown
    assert model.commands("main") == ["autopsy run logs", "autopsy verify receipts/logs"]
    assert "The receipt holds" in conversation.answer
    assert {path.name for path in client.work.iterdir()} == {".autopsy", "logs", "receipts"}
    empty(client.work)


def production_of(folder: Path) -> str:
    """The samples of production's log as the lines that a service would have written."""
    rows = open_rows(folder / "support_prod.json.gz")[1]
    names = {"id": "request_id", "input": "prompt", "output": "answer", "expected": "label"}
    lines = []
    for row in rows:
        if "error" not in row.fields:
            kept = {new: row.fields[old] for old, new in names.items()}
            kept |= {name: row.fields[name] for name in ("lang", "topic", "channel", "tier")}
            lines.append(json.dumps(kept))
    return "\n".join(lines) + "\n"


def test_a_folder_without_a_case_gets_one_first(client: Client, case: Path) -> None:
    (case / "autopsy.toml").unlink()
    conversation, model = talk(client, f"/autopsy {CASE}")
    assert conversation.denials == []
    assert model.commands("main")[0] == f"autopsy init {CASE}"
    assert holds(client)
    assert "The receipt holds" in conversation.answer


@pytest.mark.usefixtures("case")
def test_a_model_that_types_a_number_is_told_where_and_certifies_nothing(client: Client) -> None:
    conversation, model = talk(
        client, f"/autopsy {CASE}", Judgement(story="In production 395 of 400 are right.\n")
    )
    assert conversation.denials == []
    assert model.commands("investigator")[-1].startswith(f"autopsy narrate {CASE} --check - <<")
    assert "-:1: this cannot stand in prose: '3' in 'In production 395" in conversation.answer
    assert "state a number by naming a claim" in conversation.answer
    report = (client.work / RECEIPT / "REPORT.md").read_text(encoding="utf-8")
    assert "395" not in report
    assert "## The investigation" not in report


@pytest.mark.usefixtures("case")
def test_a_model_that_skips_to_the_root_cause_is_refused(client: Client) -> None:
    story = "- inferred: it fails because it reads by position.\n"
    hurries = [
        f"autopsy next {CASE}",
        f"autopsy ablate {CASE}",
        f"autopsy narrate {CASE} - <<'STORY'\n{story}STORY",
        f"autopsy certify {CASE}",
    ]
    launch = {"subagent_type": AGENT, "description": "x", "prompt": "x", "run_in_background": False}
    script: dict[str, Iterator[Say | Use]] = {
        "main": iter([Use("Agent", launch), Say("done")]),
        "investigator": iter([*(Use("Bash", {"command": one}) for one in hurries), Say("done")]),
    }
    with ScriptedEndpoint(lambda request: next(script[speaker(request)])) as endpoint:
        client.prompt(f"/autopsy {CASE}", endpoint.url)
    last = [request for request in endpoint.requests if speaker(request) == "investigator"][-1]
    said = json.dumps(last["messages"])
    assert "ablate rests on hypothesise, and that is not established" in said
    assert "narrate rests on quantify, silence, hypothesise, ablate, shrink" in said
    assert "certify rests on narrate, and that is not established" in said
    assert said.count(f"Run `autopsy run {CASE}`") == len(hurries) - 1
    assert not (client.work / "receipts").exists()


def launched(client: Client, wishes: list[str]) -> tuple[Conversation, set[str]]:
    """A conversation whose investigator runs some commands, and the tools that it was offered."""
    launch = {"subagent_type": AGENT, "description": "x", "prompt": "x", "run_in_background": False}
    script: dict[str, Iterator[Say | Use]] = {
        "main": iter([Use("Agent", launch), Say("done")]),
        "investigator": iter([*(Use("Bash", {"command": wish}) for wish in wishes), Say("done")]),
    }
    with ScriptedEndpoint(lambda request: next(script[speaker(request)])) as endpoint:
        conversation = client.prompt(f"/autopsy {CASE}", endpoint.url)
    sent = [request for request in endpoint.requests if speaker(request) == "investigator"]
    return conversation, {tool["name"] for request in sent for tool in request["tools"]}


def test_the_investigator_can_run_and_read_and_nothing_else(client: Client, case: Path) -> None:
    """Of a model that obeys hostile data: each thing that it tries needs the user's permission."""
    wishes = ["touch evil", "autopsy doctor; touch evil", f"python3 {case}/generate.py evil"]
    conversation, tools = launched(client, wishes)
    assert tools == {"Bash", "Read"}
    assert [denial["tool_input"]["command"] for denial in conversation.denials] == wishes
    assert not (client.work / "evil").exists()


@pytest.mark.usefixtures("case")
def test_an_agent_with_the_key_of_a_command_would_be_given_every_tool(client: Client) -> None:
    """Why test_plugin_files.py looks at the keys: nothing else says a word."""
    agent = client.copy / "agents" / "autopsy-investigator.md"
    text = agent.read_text(encoding="utf-8")
    agent.write_text(text.replace("\ntools: ", "\nallowed-tools: "), encoding="utf-8")
    try:
        assert "Validation passed" in client.plugin("validate", "--strict", "../copy")
        tools = launched(client, [])[1]
    finally:
        agent.write_text(text, encoding="utf-8")
    assert tools > {"Bash", "Read", "Write"}


def test_a_case_that_cannot_be_used_stops_with_the_remedy(client: Client, case: Path) -> None:
    toml = case / "autopsy.toml"
    toml.write_text(toml.read_text().replace("exact_match", "exact_macth"))
    conversation, model = talk(client, f"/autopsy {CASE}")
    assert conversation.denials == []
    assert "did you mean 'exact_match'?" in conversation.answer.lower()
    assert model.commands("main") == []
    assert not (client.work / "receipts").exists()


def test_a_slice_report_of_nothing_shows_the_engine_s_own_words(client: Client) -> None:
    model = LiteralModel(client.work)
    with ScriptedEndpoint(model) as endpoint:
        conversation = client.prompt("/slice-report nowhere", endpoint.url)
    assert "nowhere: there is no such file" in conversation.answer
    assert endpoint.requests == []
