"""Tries the plugin's prompts with a real model in the real client, and writes the tally.

    python evals/run.py                 prompts and systems
    python evals/run.py prompts         which command or skill a prompt starts
    python evals/run.py systems         whether `/autopsy` finds what was planted, and certifies
    python evals/run.py --only tickets --model MODEL --write evals/tally.md

Needs ANTHROPIC_API_KEY, node and npm; without one of them it says so, and ends with exit code 2.
Every run has a fresh home and a bound on what it may spend. The tally stands as it fell: nothing is
tried again.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "src"), str(ROOT / "tests")]

from client.real_client import PLUGIN, VERSION, Client, NoClientError  # noqa: E402
from eval_autopsy.case.load import load  # noqa: E402
from eval_autopsy.investigation.predictions import hypotheses_of  # noqa: E402
from eval_autopsy.investigation.state import State  # noqa: E402
from eval_autopsy.receipt.verify import verify  # noqa: E402
from evals.broken import Broken, systems, write  # noqa: E402

PROMPTS = ROOT / "evals" / "prompts.jsonl"
LOGS = ROOT / "tests" / "samples" / "inspect_ai"
ENDPOINT = "https://api.anthropic.com"
TURNS_OF_A_PROMPT = 4  # it may look around before it starts a skill
DOLLARS = "2"  # that a prompt may cost
DOLLARS_OF_A_SYSTEM = "10"
SECONDS = 3600.0


class CannotRun(Exception):
    """Why nothing can be run here, with the remedy."""


class Prompt(NamedTuple):
    """Words of a user, and what they should start."""

    id: str
    words: str
    starts: tuple[str, ...]  # any of these will do; none means that nothing should start
    never: tuple[str, ...]


class Started(NamedTuple):
    """What a prompt started."""

    prompt: Prompt
    names: tuple[str, ...]  # commands and skills of this plugin, in order
    cost: float | None  # dollars, as the client says

    @property
    def right(self) -> bool:
        """Whether one of those wanted was started, or none when none was, and none forbidden."""
        wanted = not self.prompt.starts or bool({*self.names} & {*self.prompt.starts})
        return wanted and not {*self.names} & {*self.prompt.never}


class Grade(NamedTuple):
    """How far an investigation went, by the case's own state and the receipt."""

    system: Broken
    done: tuple[str, ...]  # steps
    predicted: tuple[str, ...]  # changes whose effect was predicted, and then measured
    certified: bool  # and the receipt holds
    cost: float | None

    @property
    def found(self) -> bool:
        """Whether what was planted was predicted and measured; of nothing, that nothing was."""
        if not self.system.cause:
            return not self.predicted
        return bool({*self.predicted} & {*self.system.cause})


class Model(NamedTuple):
    """Where the words come from."""

    endpoint: str
    key: str
    name: str | None  # None is the client's own choice


def prompts() -> list[Prompt]:
    """All of them, in the order of the file."""
    said = map(json.loads, PROMPTS.read_text(encoding="utf-8").splitlines())
    return [
        Prompt(one["id"], one["prompt"], tuple(one["starts"]), tuple(one["never"])) for one in said
    ]


def fresh_client(folder: Path) -> Client:
    """The client with the plugin, in a home of its own; the engine's environment is there."""
    client = Client(folder)
    shutil.rmtree(client.copy / "evals")  # which says what was planted
    door = ["sh", str(client.copy / "bin" / "autopsy"), "--version"]
    subprocess.run(door, check=True, cwd=client.work, stdout=subprocess.DEVNULL)
    client.install()
    return client


def asked(client: Client, words: str, model: Model, *options: str) -> list[dict[str, Any]]:
    """The events of one conversation, oldest first; one that was cut short by a bound has some."""
    named = ["--model", model.name] if model.name else []
    said = ["-p", words, "--output-format", "stream-json", "--verbose", *named, *options]
    try:
        done = client.run(*said, base_url=model.endpoint, key=model.key, timeout=SECONDS)
    except subprocess.TimeoutExpired:
        raise CannotRun(f"the client did not end in {SECONDS:.0f} seconds") from None
    events = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    if not any(event["type"] == "result" for event in events):
        raise CannotRun(f"the client said nothing: {(done.stderr or done.stdout)[-500:]}")
    return events


def started(client: Client, prompt: Prompt, model: Model) -> Started:
    """What the client started for a prompt, in a folder with the logs of an eval."""
    empty(client.work)
    shutil.copytree(LOGS, client.work / "logs")
    bounds = ("--max-turns", str(TURNS_OF_A_PROMPT), "--max-budget-usd", DOLLARS)
    events = asked(client, prompt.words, model, *bounds)
    return Started(prompt, tuple(skills_in(events)), cost_in(events))


def skills_in(events: Sequence[dict[str, Any]]) -> Iterator[str]:
    """The commands and skills of this plugin that were started, without its name."""
    for event in events:
        content = event["message"]["content"] if event["type"] == "assistant" else ()
        for block in content:
            if block["type"] == "tool_use" and block["name"] == "Skill":
                plugin, _, name = block["input"]["skill"].rpartition(":")
                if plugin in ("", PLUGIN):
                    yield name


def cost_in(events: Sequence[dict[str, Any]]) -> float | None:
    """Dollars, by the client's own account; None when it gives none."""
    costs = [event.get("total_cost_usd") for event in events if event["type"] == "result"]
    return costs[-1]


def investigated(client: Client, system: Broken, model: Model) -> Grade:
    """What `/autopsy` makes of a system, of which nothing is known but its case."""
    empty(client.work)
    folder = write(system, client.work / system.id)
    bound = ("--max-budget-usd", DOLLARS_OF_A_SYSTEM)
    events = asked(client, f"/autopsy {system.id}", model, *bound)
    return graded(system, folder, client.work / "receipts" / system.id, cost_in(events))


def graded(system: Broken, folder: Path, receipt: Path, cost: float | None = None) -> Grade:
    """The grade of a case that was investigated. Reads what the engine recorded, and no prose."""
    case = load(folder)
    entries = [entry for entry in State(case).entries() if entry.status == "done"]
    verdicts = [one for entry in entries for one in entry.says.get("hypotheses", ())]
    measured = {one["statement"] for one in verdicts if one["verdict"] == "measured"}
    predicted = {
        change for one in hypotheses_of(case) if one.statement in measured for change in one.breaks
    }
    done = tuple(dict.fromkeys(entry.step for entry in entries))
    certified = "certify" in done and verify(receipt).verdict == "holds"
    return Grade(system, done, tuple(sorted(predicted)), certified, cost)


def empty(folder: Path) -> None:
    """Nothing is left in the folder."""
    for path in folder.iterdir():
        shutil.rmtree(path) if path.is_dir() else path.unlink()


def tally_of_prompts(results: Sequence[Started]) -> str:
    """The table of prompts, and how many came out right."""
    right = sum(one.right for one in results)
    lines = ["## Prompts", "", f"{right} of {len(results)} started what they should.", ""]
    lines += [
        "| prompt | should start | started | right | dollars |",
        "| --- | --- | --- | --- | ---: |",
    ]
    for one in results:
        wanted = " or ".join(one.prompt.starts) or "nothing"
        names = ", ".join(one.names) or "nothing"
        row = (one.prompt.id, wanted, names, yes(one.right), dollars(one.cost))
        lines.append(f"| {' | '.join(row)} |")
    return "\n".join(lines) + "\n"


def tally_of_systems(results: Sequence[Grade]) -> str:
    """The table of systems, and how many were found and certified."""
    both = sum(one.found and one.certified for one in results)
    lines = ["## Systems", "", f"{both} of {len(results)} were found and certified.", ""]
    lines += ["| system | planted | predicted and measured | found | certified | steps | dollars |"]
    lines += ["| --- | --- | --- | --- | --- | ---: | ---: |"]
    for one in results:
        measured = ", ".join(one.predicted) or "nothing"
        row = [one.system.id, one.system.planted, measured, yes(one.found), yes(one.certified)]
        lines.append(f"| {' | '.join([*row, str(len(one.done)), dollars(one.cost)])} |")
    return "\n".join(lines) + "\n"


def yes(value: bool) -> str:
    return "yes" if value else "no"


def dollars(cost: float | None) -> str:
    return "" if cost is None else f"{cost:.2f}"


def model_here(name: str | None) -> Model:
    """The model that the environment names. Raises CannotRun when there is no key."""
    key = os.environ.get("ANTHROPIC_API_KEY", "")
    if not key:
        raise CannotRun("ANTHROPIC_API_KEY is not set, so no model was asked. Set it and run again")
    return Model(os.environ.get("ANTHROPIC_BASE_URL", ENDPOINT), key, name)


def run(options: argparse.Namespace) -> str:
    """The whole tally. Raises CannotRun and NoClientError."""
    model = model_here(options.model)
    at = f"{datetime.now(UTC):%Y-%m-%d}"
    parts = [f"# Tally\n\n{model.name or 'The default model'}, Claude Code {VERSION}, {at}.\n"]
    with tempfile.TemporaryDirectory(prefix="evals-") as name:
        client = fresh_client(Path(name).resolve())
        if options.what in ("all", "prompts"):
            some = [one for one in prompts() if not options.only or one.id in options.only]
            parts.append(tally_of_prompts([started(client, one, model) for one in some]))
        if options.what in ("all", "systems"):
            chosen = [one for one in systems() if not options.only or one.id in options.only]
            parts.append(tally_of_systems([investigated(client, one, model) for one in chosen]))
    return "\n".join(parts)


def main(arguments: Sequence[str]) -> int:
    """0 when all was tried, however it came out; 2 when it could not be."""
    parser = argparse.ArgumentParser(description="Tries the plugin's prompts with a real model.")
    parser.add_argument("what", nargs="?", choices=("all", "prompts", "systems"), default="all")
    parser.add_argument("--model", help="a model of the client's; its own choice without")
    parser.add_argument("--only", action="append", metavar="ID", help="one prompt or system")
    parser.add_argument("--write", type=Path, metavar="FILE", help="where the tally goes, too")
    options = parser.parse_args(arguments)
    try:
        tally = run(options)
    except (CannotRun, NoClientError) as reason:
        print(f"evals: {reason}.", file=sys.stderr)
        return 2
    print(tally)
    if options.write:
        options.write.write_text(tally, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
