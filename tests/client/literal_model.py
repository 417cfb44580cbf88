"""A model that follows the plugin's prompts to the letter, and knows nothing else.

It reads the numbered steps of the prompt that it was given and does, in order, what a step says
in one of these ways:

    Run `autopsy ...`          with CASE, RECEIPT and ARGUMENTS filled in
    Read NAME / `NAME` in CASE
    Launch the agent `NAME`
    go to N, then come back    when the file of that step is not there
    Take the others            the commands that `autopsy next` prints, one after the other
    a block that begins `autopsy narrate`, and then the same without `--check`

What needs judgement it is given: a hypothesis, a narrative, an objection. So a prompt that names a
verb, a file or an agent that does not exist, or needs a permission that it does not have, fails
here. Whether the wording helps a real model is not tried.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from .scripted_endpoint import Json, Say, Use


class Result(NamedTuple):
    """What a tool gave back."""

    text: str
    failed: bool


Turns = Generator[Use, Result, str]


class Judgement(NamedTuple):
    """What the steps leave to whoever takes them."""

    hypothesis: str = "--statement 'It reads by position.' --breaks swap_first_fields"
    record: str = "p-0030"
    skips: str = "The failing inputs are short as they are."
    story: str = (
        "In production {{ rate.production.right.counted | of }} are right.\n\n"
        "- inferred: it fails because it reads by position.\n"
    )
    objection: str = "- objection: nothing but the order of the fields was logged."
    answer: str = "- answer: what was varied is the order alone."


class LiteralModel:
    """Answers the requests of one prompt: the main conversation's and each subagent's."""

    def __init__(self, work: Path, judgement: Judgement | None = None) -> None:
        self.work = work
        self.judgement = judgement or Judgement()
        self.used: list[tuple[str, Use]] = []
        self.prompts: dict[str, str] = {}
        self._conversations: dict[str, Turns] = {}

    def __call__(self, request: Json) -> Say | Use:
        who = speaker(request)
        conversation = f"{who}: {_text(request['messages'][:1])}"
        try:
            if conversation not in self._conversations:
                turns = self._conversations[conversation] = self._begin(who, request)
                reply = next(turns)
            else:
                reply = self._conversations[conversation].send(_last_result(request))
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
        if who == "investigator":
            names = {"CASE": _found(r"^CASE: (.+)$", prompt)}
            objections = "\n".join(re.findall(r"(?m)^ *(- objection: .+)$", prompt))
            steps = _text(request["system"])
            return _investigate(steps, names, self.work, self.judgement, objections)
        if who == "skeptic":
            names = {"RECEIPT": _found(r"^RECEIPT: (.+)$", prompt)}
            return _doubt(_steps(_text(request["system"])), names, self.work, self.judgement)
        arguments = _found(r"^ARGUMENTS: (.*)$", prompt)
        names = {"ARGUMENTS": arguments, "CASE": _folder(arguments, self.work)}
        return _command(_steps(prompt), names, self.work)


def speaker(request: Json) -> str:
    """Whose words are asked for: `main`, `investigator` or `skeptic`."""
    system = _text(request.get("system"))
    if "cc_is_subagent=true" not in system:
        return "main"
    return "skeptic" if "refute" in system else "investigator"


def _command(steps: dict[int, str], names: dict[str, str], work: Path) -> Turns:
    """Does the steps of a command; says what it was told to show, or what failed."""
    detours = {number: _detour(step) for number, step in steps.items() if _detour(step)}
    shown: list[str] = []
    agent = ""
    for number, step in sorted(steps.items()):
        use = _use(step, names, work)
        if use is not None and use.tool == "Agent":
            agent = agent or use.input["subagent_type"]
        if "launch the agent of step" in step:
            use = _launch(agent, f"CASE: {names['CASE']}\nOBJECTIONS:\n{shown[-1]}")
        if use is None or number in detours.values():
            continue
        result = yield use
        if result.failed and number in detours:
            result = yield _needed(_use(steps[detours[number]], names, work))
        if result.failed or "STOPPED:" in result.text:
            return f"FAILED\n{result.text}"
        shown.append(re.sub(r"(?m)^ *\d+\t", "", result.text))  # as Read numbers lines
        names = {**_receipt_in(result.text), **names}
    return "\n".join([*shown, f"verify    autopsy verify {names['RECEIPT']}"])


def _detour(step: str) -> int:
    """The step to go to when this one's file is not there; 0 when there is no such step."""
    there = re.search(r"go to (\d+), then come back", step)
    return int(there[1]) if there else 0


def _needed(use: Use | None) -> Use:
    assert use is not None, "a step that is gone to does nothing"
    return use


def _investigate(
    prompt: str, names: dict[str, str], work: Path, judged: Judgement, objections: str
) -> Turns:
    """Does the steps of the investigator, and hands back in its form."""
    said = ""
    for number, step in sorted(_steps(prompt).items()):
        uses = [_use(step, names, work)]
        if "Take the others" in step:
            said = yield from _in_order(names["CASE"], judged)
            uses = []
        if "--check - <<" in step:
            block = re.findall(r"(?ms)^ +(autopsy narrate .+?)^ +STORY$", prompt)[0]
            uses = list(_told(_fill(block, names), judged, objections))
        for use in filter(None, uses):
            result = yield use
            if result.failed:
                return f"STOPPED: step {number}\n{result.text}"
            said = result.text
            names = {**_receipt_in(said), **names}
    verdict = _found(r"^(The receipt .*)$", said)
    return f"RECEIPT: {work / names['RECEIPT']}\nVERDICT: {verdict}"


def _in_order(case: str, judged: Judgement) -> Generator[Use, Result, str]:
    """Takes the steps that `autopsy next` names up to the narrative, in the order it gives."""
    taken: set[str] = set()
    while True:
        result = yield _shell(f"autopsy next {case}")
        step, line = re.findall(r"(?m)^next +(\w+): .*\n +(autopsy .+)$", result.text)[0]
        if step in ("narrate", "certify"):
            return result.text
        if step in taken:
            line = f"autopsy next {case} --skip {step} --reason '{judged.skips}'"
        elif step == "hypothesise":
            line = f"autopsy hypothesise {case} {judged.hypothesis}"
        elif step == "shrink":
            line = line.replace(" ID ", f" {judged.record} ")
        taken.add(step)
        yield _shell(line)


def _told(block: str, judged: Judgement, objections: str) -> Iterator[Use]:
    """The narrative checked, and then taken."""
    first = block.splitlines()[0]
    story = judged.story
    if objections:
        story += f"\n## Objections\n\n{objections}\n{judged.answer}\n"
    yield _shell(f"{first}\n{story}STORY")
    yield _shell(f"{first.replace(' --check', '')}\n{story}STORY")


def _doubt(steps: dict[int, str], names: dict[str, str], work: Path, judged: Judgement) -> Turns:
    """Does the steps of the skeptic, and hands back the objection that it is given."""
    for step in steps.values():
        use = _use(step, names, work)
        if use is not None:
            result = yield use
            assert not result.failed, result.text
    return judged.objection


def _shell(command: str) -> Use:
    return Use("Bash", {"command": command, "description": "Run the engine"})


def _use(step: str, names: dict[str, str], work: Path) -> Use | None:
    """The tool call that a step asks for; None for a step that only speaks."""
    if command := re.search(r"[Rr]un `(autopsy [^`]+)`( followed by ARGUMENTS)?", step):
        text = command[1] + (" ARGUMENTS" if command[2] else "")
        return _shell(_fill(text, names))
    if agent := re.search(r"Launch the agent `([^`]+)` with the prompt `(\w+): `", step):
        return _launch(agent[1], f"{agent[2]}: {names[agent[2]]}")
    if file := re.search(r"Read (?:`([^`]+)` in CASE|(RECEIPT/\S+?)\.?(?:\s|$))", step):
        name = _fill(f"CASE/{file[1]}" if file[1] else file[2], names)
        return Use("Read", {"file_path": str(work / name)})
    return None


def _launch(agent: str, prompt: str) -> Use:
    said = {"subagent_type": agent, "description": "Run the case", "prompt": prompt}
    return Use("Agent", {**said, "run_in_background": False})


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
