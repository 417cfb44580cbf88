"""A model that follows the plugin's prompts to the letter, and knows nothing else.

It reads the numbered steps of the prompt that it was given and does, in order, what a step says
in one of four ways:

    Run `autopsy ...`          with CASE, RECEIPT and ARGUMENTS filled in
    Read NAME / `NAME` in CASE
    Launch the agent `NAME`
    go to N, then come back    when the file of that step is not there

So a prompt that names a verb, a file or an agent that does not exist, or needs a permission that
it does not have, fails here. Whether the wording helps a real model is not tried.
"""

from __future__ import annotations

import re
from collections.abc import Generator
from pathlib import Path
from typing import Any, NamedTuple

from .scripted_endpoint import Json, Say, Use


class Result(NamedTuple):
    """What a tool gave back."""

    text: str
    failed: bool


Turns = Generator[Use, Result, str]


class LiteralModel:
    """Answers the requests of one prompt: the main conversation's and each subagent's."""

    def __init__(self, work: Path) -> None:
        self.work = work
        self.used: list[tuple[str, Use]] = []
        self.prompts: dict[str, str] = {}
        self._conversations: dict[str, Turns] = {}

    def __call__(self, request: Json) -> Say | Use:
        who = speaker(request)
        try:
            if who not in self._conversations:
                turns = self._conversations[who] = self._begin(who, request)
                reply = next(turns)
            else:
                reply = self._conversations[who].send(_last_result(request))
        except StopIteration as end:
            return Say(end.value)
        self.used.append((who, reply))
        return reply

    def commands(self, who: str) -> list[str]:
        """The shell commands that one of them used."""
        return [
            use.input["command"] for name, use in self.used if name == who and use.tool == "Bash"
        ]

    def _begin(self, who: str, request: Json) -> Turns:
        prompt = _text(request["messages"])
        self.prompts[who] = prompt
        if who == "subagent":
            case = _found(r"^CASE: (.+)$", prompt)
            return _investigate(_steps(_text(request["system"])), {"CASE": case}, self.work)
        arguments = _found(r"^ARGUMENTS: (.*)$", prompt)
        names = {"ARGUMENTS": arguments, "CASE": _folder(arguments, self.work)}
        return _command(_steps(prompt), names, self.work)


def speaker(request: Json) -> str:
    """Whose words are asked for: `main` or `subagent`."""
    return "subagent" if "cc_is_subagent=true" in _text(request.get("system")) else "main"


def _command(steps: dict[int, str], names: dict[str, str], work: Path) -> Turns:
    """Does the steps of a command; says what it was told to show, or what failed."""
    detours = {number: _detour(step) for number, step in steps.items() if _detour(step)}
    shown: list[str] = []
    for number, step in sorted(steps.items()):
        use = _use(step, names, work)
        if use is None or number in detours.values():
            continue
        result = yield use
        if result.failed and number in detours:
            result = yield _needed(_use(steps[detours[number]], names, work))
        if result.failed or "STOPPED:" in result.text:
            return f"FAILED\n{result.text}"
        shown.append(result.text)
        names = {**names, **_receipt_in(result.text)}
    return "\n".join([*shown, f"verify    autopsy verify {names['RECEIPT']}"])


def _detour(step: str) -> int:
    """The step to go to when this one's file is not there; 0 when there is no such step."""
    there = re.search(r"go to (\d+), then come back", step)
    return int(there[1]) if there else 0


def _needed(use: Use | None) -> Use:
    assert use is not None, "a step that is gone to does nothing"
    return use


def _investigate(steps: dict[int, str], names: dict[str, str], work: Path) -> Turns:
    """Does the steps of the investigator, and hands back in its form."""
    results: list[str] = []
    for number in sorted(steps):
        use = _use(steps[number], names, work)
        if use is None:
            continue
        result = yield use
        if result.failed:
            return f"STOPPED: step {number}\n{result.text}"
        results.append(result.text)
        names = {**names, **_receipt_in(result.text)}
    verdict = _found(r"^(The receipt .*)$", results[0])
    report = re.sub(r"(?m)^ *\d+\t", "", results[1])
    summary = report.partition("\n## The gap")[0]
    receipt = work / names["RECEIPT"]
    return f"RECEIPT: {receipt}\nVERDICT: {verdict}\nREPORT:\n{summary}"


def _use(step: str, names: dict[str, str], work: Path) -> Use | None:
    """The tool call that a step asks for; None for a step that only speaks."""
    if command := re.search(r"[Rr]un `(autopsy [^`]+)`( followed by ARGUMENTS)?", step):
        text = command[1] + (" ARGUMENTS" if command[2] else "")
        return Use("Bash", {"command": _fill(text, names), "description": "Run the engine"})
    if agent := re.search(r"Launch the agent `([^`]+)`", step):
        prompt = {"description": "Run the case", "prompt": f"CASE: {names['CASE']}"}
        foreground = {"run_in_background": False}
        return Use("Agent", {"subagent_type": agent[1], **prompt, **foreground})
    if file := re.search(r"Read (?:`([^`]+)` in CASE|(RECEIPT/\S+?)\.?(?:\s|$))", step):
        name = _fill(f"CASE/{file[1]}" if file[1] else file[2], names)
        return Use("Read", {"file_path": str(work / name)})
    return None


def _fill(text: str, names: dict[str, str]) -> str:
    return re.sub(r"\b(CASE|RECEIPT|ARGUMENTS)\b", lambda name: names[name[0]], text)


def _receipt_in(text: str) -> dict[str, str]:
    """The folder of a receipt, where a result names one."""
    found = re.search(r"[^\s`]*receipts/[a-z0-9-]+", text)
    return {"RECEIPT": found[0]} if found else {}


def _folder(arguments: str, work: Path) -> str:
    """The folder that the arguments of a command name: their first, or the one that it is in."""
    first = arguments.split(" ")[0] or "."
    return str(Path(first).parent) if (work / first).is_file() else first


def _steps(prompt: str) -> dict[int, str]:
    """The numbered steps of a prompt, by number."""
    parts = re.findall(r"(?ms)^(\d+)\. (.+?)(?=^\d+\. |^\S(?<!\d)|\Z)", prompt)
    return {int(number): " ".join(text.split()) for number, text in parts}


def _found(pattern: str, text: str) -> str:
    """What the pattern's last match in the text has in its group."""
    return str(re.findall(pattern, text, re.MULTILINE)[-1]).strip()


def _last_result(request: Json) -> Result:
    """The result of the tool that was used last."""
    blocks = [block for message in request["messages"] for block in _blocks(message["content"])]
    last = [block for block in blocks if block["type"] == "tool_result"][-1]
    return Result(_text(last["content"]), bool(last.get("is_error")))


def _blocks(content: Any) -> list[Json]:
    return content if isinstance(content, list) else [{"type": "text", "text": str(content)}]


def _text(content: Any) -> str:
    """All the text in a message, a list of blocks, or a list of messages."""
    if isinstance(content, list):
        return "\n".join(map(_text, content))
    if isinstance(content, dict):
        return _text(content.get("text") or content.get("content") or "")
    return content or ""
