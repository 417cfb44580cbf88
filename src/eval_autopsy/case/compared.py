"""What is compared with what, of the files that were found: said for each file, with the reason.

1. The same run in two files is one run: the richer file is read, the other is left out.
2. Names tell eval from production, of files and of the folders that they are in. Where they do
   not, a tool's traces are production beside an eval log, and so is a plain table.
3. Files without a role whose tasks are the same are two runs of them, and compared in pairs.
4. What is left is one set, and is looked at by itself: the largest, where there are several.
5. Logs of several tools in one place are looked at a tool at a time: the one that has both sets, or
   the most records. Files of one tool that share no task are parts of one run.
6. What was left out is named, with what to write to have it compared.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, NamedTuple

from eval_autopsy import kernel
from eval_autopsy.case.found import Found, described
from eval_autopsy.case.names import Parts, parts_of
from eval_autopsy.case.roles import words
from eval_autopsy.case.sets import Look, Sets, guess_sets, split_of
from eval_autopsy.kernel import MISSING
from eval_autopsy.records import SPLITS, Split

Comparison = Literal["two-sets", "paired", "one-set"]
TRACES = ("otlp", "otel", "phoenix", "langfuse", "langsmith runs")  # begin the names of formats
BOTH = "eval and production"  # the role of a file with a column that tells them apart
TABLES = "tables"  # stands for a tool where there is none
CATEGORIES = ("bfcl",)  # tools whose names of files name categories, of which one is called live
TESTS = ("junit",)  # tools whose names of files have the word test, of whatever set they are
# What the names of folders are believed of: a folder `tests` or `user_7` is no set.
FOLDERS: Mapping[Split, frozenset[str]] = {
    "eval": frozenset(words("eval evals evaluation evaluations offline benchmark golden dev")),
    "production": frozenset(words("production prod live online traffic")),
}
SAME = 0.95  # of the answers of shared tasks, in two files of one run
SHARED = 0.5  # of the tasks of the smaller file, in two runs of the same tasks


@dataclass(frozen=True, slots=True, kw_only=True)
class Role:
    """What a file is in the comparison, and why."""

    found: Found
    role: str  # eval, production, first run, second run, scores, summary, left out, not readable
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """What is compared: the sets, the files joined to them, and the role of each file."""

    comparison: Comparison
    sets: Sets
    joined: tuple[Path, ...]
    roles: tuple[Role, ...]
    others: str = ""  # why records of other tools were left out


def compare(files: Sequence[Found]) -> Compared | None:
    """What is compared of some files; None when no file holds records."""
    roles: dict[int, Role] = {}
    runs = _tasks_once(_runs([one for one in files if one.records], roles), roles)
    if not runs:
        return None
    comparison, sets, chosen, others = _of_one_tool(runs)
    for one in runs:
        role, why = chosen.get(one.name, ("left out", others or sets.why))
        roles[id(one)] = Role(found=one, role=role, why=why)
    tools = {tool_of(one) for one in runs if one.name in chosen}
    for one in (one for one in files if not one.records):
        roles[id(one)] = _beside(one, tools, others)
    ordered = tuple(roles[id(one)] for one in files)
    joined = tuple(role.found.path for role in ordered if role.role == "scores")
    return Compared(comparison=comparison, sets=sets, joined=joined, roles=ordered, others=others)


def declared(sets: Sets) -> Compared:
    """What options say is compared, whatever the files are called."""
    splits = {id(look): split for split, looks in (sets.files or {}).items() for look in looks}
    roles = (
        Role(
            found=described(look.file.path, look.name, look),
            role=splits.get(id(look), BOTH),
            why=sets.why,
        )
        for look in sets.looks()
    )
    return Compared(comparison="two-sets", sets=sets, joined=(), roles=tuple(roles))


def alone(compared: Compared, split: Split, why: str) -> Compared:
    """One set of a comparison by itself, and why the other cannot be compared with it."""
    others = [role.found.name for role in compared.roles if role.role in {*SPLITS} - {split}]
    files = compared.sets.files or {}
    return replace(
        compared,
        comparison="one-set",
        sets=Sets(compared.sets.why, files={"eval": (), "production": tuple(files[split])}),
        roles=tuple(
            replace(role, role="left out", why=why) if role.found.name in others else role
            for role in compared.roles
        ),
        others=f"{', '.join(others)}: {why}",
    )


def _beside(one: Found, tools: Set[str], others: str) -> Role:
    """The role of a file without records of its own, beside those of some tools."""
    if one.yields not in ("scores", "summary"):
        return Role(found=one, role="not readable", why=one.why)
    if others and tool_of(one) not in tools:
        return Role(found=one, role="left out", why=others)
    return Role(found=one, role=one.yields, why=one.why or f"{one.format} of other files")


# The same run twice


def _runs(files: Sequence[Found], roles: dict[int, Role]) -> list[Found]:
    """The files that hold a run each; enters those left out, since another has the same."""
    answers = {id(one): answers_of(one) for one in files}
    kept: list[Found] = []
    for one in sorted(files, key=lambda one: _poverty(one, answers[id(one)])):
        twin = next((other for other in kept if _twins(other, one, answers)), None)
        if twin is None:
            kept.append(one)
        else:
            why = f"the same answers to the same tasks are in {twin.name}"
            roles[id(one)] = Role(found=one, role="left out", why=why)
    return [one for one in files if one in kept]


def _twins(one: Found, other: Found, answers: Mapping[int, Answers]) -> bool:
    """Whether two files are of the same run: of the same answers, and not named as two sets.

    Where one of them has no inputs, as a table of verdicts, the verdicts of the same ids tell. Two
    logs of one format that began at different times are two runs, however many answers are the
    same; so are two without inputs of which one verdict differs.
    """
    if len({_named(one), _named(other)} - {None}) > 1:
        return False
    if len({_task(one), _task(other)} - {None}) > 1:
        return False
    if _began_apart(one, other):
        return False
    first, second = answers[id(one)], answers[id(other)]
    if not first.inputs and not second.inputs and _log_format(one) == _log_format(other) != "":
        return first.by_id == second.by_id
    if first.inputs and second.inputs:
        return _same_run(first.by_task, second.by_task)
    return _same_run(first.by_id, second.by_id) and _told_by_id(first.by_id, second.by_id)


def _began_apart(one: Found, other: Found) -> bool:
    """Whether two logs of one format say that they began at different times."""
    began = {_begins(one), _begins(other)}
    return _log_format(one) == _log_format(other) != "" and "" not in began and len(began) == 2


def _log_format(one: Found) -> str:
    """The format of an eval's log; "" of tables and of traces, which may be exported twice."""
    traces = one.format.startswith(TRACES)
    return "" if one.yields != "samples" or traces else one.format


def _named(one: Found) -> Split | None:
    """The set that the name of a file, or of the folders that it is in, says."""
    if tool_of(one) in CATEGORIES:
        return None
    in_name = split_of(_stem(one), FOLDERS) if tool_of(one) in TESTS else split_of(_stem(one))
    return in_name or split_of(_folders(one), FOLDERS)


def _poverty(one: Found, answers: Answers) -> tuple[bool, bool, int, int, str]:
    """How little a file says: the one that says most comes first."""
    rows = one.look.rows if one.look else ()
    fields = max(map(len, rows), default=0)
    lacks = not answers.inputs, one.yields != "samples"
    return *lacks, -len(answers.by_task), -fields, one.name


class Answers(NamedTuple):
    """What the records of a file came to."""

    by_task: Mapping[str, str]  # the output, or else the score, by the input, or else the id
    by_id: Mapping[str, str]  # the score, or else the output
    inputs: bool  # whether the tasks are told by their inputs


def answers_of(one: Found) -> Answers:
    """What each task of a file came to; repeats of a task count as one, the last."""
    look = one.look
    if look is None:
        return Answers({}, {}, False)
    parts = parts_of([look])
    by_task, by_id = {}, {}
    for row in look.rows:
        task = _text(row, parts, "input", "cluster", "id")
        by_task[f"{row.get('system', '')}{task}"] = _text(row, parts, "output", "score")
        by_id[_text(row, parts, "id")] = _text(row, parts, "score", "output")
    return Answers(by_task, by_id, "input" in parts)


def _text(row: Mapping[str, object], parts: Parts, *names: str) -> str:
    for name in names:
        if name in parts:
            value = kernel.field(row, parts[name].field)
            if value not in (MISSING, None, ""):
                return kernel.canonical(value)
    return ""


def _same_run(one: Mapping[str, str], other: Mapping[str, str]) -> bool:
    """Whether nearly all tasks of the second are in the first, with the same answers.

    Two files without any answer have none that are the same.
    """
    shared = one.keys() & other.keys()
    if not any(one[task] for task in shared) or len(shared) < SAME * len(other):
        return False
    return sum(one[task] == other[task] for task in shared) >= SAME * len(shared)


def _told_by_id(one: Mapping[str, str], other: Mapping[str, str]) -> bool:
    """Whether the same answers for the same ids are more than chance.

    Ids that are numbers are shared by any two files that count their records, and two systems that
    are nearly always right agree nearly always: there the answers that are not the usual one tell.
    """
    shared = one.keys() & other.keys()
    if not all(task.strip('"').isdecimal() for task in shared):
        return True
    (usual, _), *_ = Counter(one[task] for task in shared).most_common(1)
    first = {task for task in shared if one[task] != usual}
    second = {task for task in shared if other[task] != usual}
    return bool(first) and len(first & second) >= SAME * len(first | second)


def _share_tasks(one: Found, other: Found) -> bool:
    first, second = answers_of(one).by_task, answers_of(other).by_task
    shared = len(first.keys() & second.keys())
    return shared >= SHARED * max(1, min(len(first), len(second))) and shared > 1


# Tasks of lm-evaluation-harness, each of which has a file of its own


def _task(one: Found) -> str | None:
    """The task that the name of a samples file says, less its set; None of any other file."""
    named = re.match(r"samples_(.+?)_\d{4}-\d\d-\d\dT", Path(one.name).name)
    if tool_of(one) != "lm" or named is None:
        return None
    return "_".join(word for word in named[1].split("_") if split_of(word) is None)


def _tasks_once(files: Sequence[Found], roles: dict[int, Role]) -> list[Found]:
    """The files without the tasks that one of two sets lacks, or that ask what another one asks.

    Of documents that are asked about with choices and without, each would else count twice.
    """
    tasks: dict[str, list[Found]] = {}
    for one in files:
        task = _task(one)
        if task is not None:
            tasks.setdefault(task, []).append(one)
    left = _in_one_set(tasks)
    left |= _asked_twice({task: tasks[task] for task in tasks if task not in left}, files)
    for task, why in left.items():
        roles |= {id(one): Role(found=one, role="left out", why=why) for one in tasks[task]}
    return [one for one in files if id(one) not in roles]


def _in_one_set(tasks: Mapping[str, Sequence[Found]]) -> dict[str, str]:
    """Why tasks are left out whose files name one set, where another task has files of both."""
    named = {task: {_named(one) for one in files} for task, files in tasks.items()}
    if not any({*SPLITS} <= splits for splits in named.values()):
        return {}
    return {
        task: f"no {split} samples of the task {task} are here, and of another task there are"
        for task, splits in named.items()
        for split in SPLITS
        if splits == {*SPLITS} - {split}
    }


def _asked_twice(tasks: Mapping[str, Sequence[Found]], files: Sequence[Found]) -> dict[str, str]:
    """Why tasks are left out that ask what another does: the one with the other files' parts stays.

    Without other files the one with most parts stays; of equals the one with more records.
    """
    others = {part for one in files if _task(one) is None for part in _parts(one)}

    def unlike(task: str) -> tuple[int, int, str]:
        known = {part for one in tasks[task] for part in _parts(one)}
        return len(known ^ others) if others else -len(known), -_records(tasks[task]), task

    kept: list[str] = []
    left = {}
    for task in sorted(tasks, key=unlike):
        same = next((one for one in kept if _ask_the_same(tasks[one], tasks[task])), None)
        if same is None:
            kept.append(task)
        else:
            left[task] = f"the task {task} asks what {same} asks, which would count twice"
    return left


def _parts(one: Found) -> Set[str]:
    return parts_of([one.look]).keys() if one.look else set()


def _ask_the_same(first: Sequence[Found], second: Sequence[Found]) -> bool:
    """Whether most inputs of a task are those of another, in the same set."""
    pairs = [(one, other) for one in first for other in second if _named(one) == _named(other)]
    return any(_share_tasks(one, other) for one, other in pairs)


# Which is which

Chosen = dict[str, tuple[str, str]]


def tool_of(one: Found) -> str:
    """The tool whose log a file is, by its format; TABLES for a plain table."""
    if one.yields == "rows":
        return TABLES
    return "otel" if one.format.startswith("otlp") else one.format.partition("_")[0]


def _of_one_tool(runs: Sequence[Found]) -> tuple[Comparison, Sets, Chosen, str]:
    """The comparison of one tool's files, or of all; and why those of the others are left out."""
    tools: dict[str, list[Found]] = {}
    for one in runs:
        tools.setdefault(tool_of(one), []).append(one)
    made = {tool: _sets(files) for tool, files in tools.items()}
    both = [tool for tool, found in made.items() if found[0] == "two-sets"]
    logs = [tool for tool in tools if tool != TABLES and not tool.startswith(TRACES)]
    if len(tools) == 1 or (len(logs) < 2 and not both):
        return *_sets(runs), ""
    tool = max(both or logs, key=lambda tool: (made[tool][0] == "paired", _records(tools[tool])))
    name = "plain tables" if tool == TABLES else f"logs of {tool}"
    why = f"records of {len(tools)} kinds are here; only the {name} are looked at"
    why += ", name the files of another kind to see them"
    return *made[tool], why


def _records(files: Sequence[Found]) -> int:
    return sum(len(one.look.rows) for one in files if one.look)


def _sets(runs: Sequence[Found]) -> tuple[Comparison, Sets, Chosen]:
    """The comparison, its sets, and the role of each file that is in it."""
    if len(runs) == 1:
        return _one_file(runs[0])
    named: dict[Split, list[Found]] = {split: [] for split in SPLITS}
    rest: list[Found] = []
    for one in runs:
        split = _named(one)
        (named[split] if split else rest).append(one)
    why = "its name says so"
    if not named["eval"] or not named["production"]:
        named, rest, why = _by_format(named, rest, why)
    if named["eval"] and named["production"]:
        files = _same_system({split: _together(named[split]) for split in SPLITS})
        only = next(iter(files["eval"])).only.get("system")
        why += f"; of several systems on eval, {only}, which production has" if only else ""
        chosen: Chosen = {one.name: (split, why) for split in SPLITS for one in named[split]}
        return "two-sets", Sets(why, files=files), chosen
    everything = [*named["eval"], *named["production"], *rest]
    if len(everything) == 2 and _share_tasks(*everything):
        return _pair(everything)
    return _largest(everything, named)


def _stem(one: Found) -> str:
    return Path(one.name).name.partition(".")[0]


def _folders(one: Found) -> str:
    return " ".join(Path(one.name).parts[:-1])


def _by_format(
    named: dict[Split, list[Found]], rest: list[Found], why: str
) -> tuple[dict[Split, list[Found]], list[Found], str]:
    """The roles that formats tell, where names do not."""
    traces = [one for one in rest if one.format.startswith(TRACES)]
    plain = [one for one in rest if one.yields == "rows"]
    logs = [one for one in rest if one.yields == "samples" and one not in traces]
    if traces and (logs or named["eval"] or plain) and not named["production"]:
        others = [one for one in rest if one not in traces]
        why = "traces are of production, and an eval log is beside them"
        return {"eval": named["eval"] or others, "production": traces}, [], why
    if len(rest) == 1 and len([*named["eval"], *named["production"]]) >= 1:
        other: Split = "production" if named["eval"] else "eval"
        why = "the name of the other file says its role"
        return {**named, other: rest}, [], why
    if logs and plain and not named["eval"] and not named["production"]:
        why = "an eval log of a tool, and plain records beside it"
        return {"eval": logs, "production": plain}, [], why
    return named, rest, why


def _together(files: Sequence[Found]) -> tuple[Look, ...]:
    """The files of one set; ids that several of them share begin with the name of their file."""
    looks = [one.look for one in files if one.look is not None]
    if len(looks) < 2:
        return tuple(looks)
    ids: Counter[str] = Counter()
    for look in looks:
        parts = parts_of([look])
        ids.update({_text(row, parts, "id") for row in look.rows})
    if all(count < 2 for count in ids.values()):
        return tuple(looks)
    return tuple(replace(look, prefix=Path(look.name).name) for look in looks)


def _same_system(files: Mapping[Split, tuple[Look, ...]]) -> Mapping[Split, tuple[Look, ...]]:
    """The files of both sets; of several systems on eval, the one that production has alone."""
    systems = {
        split: {row["system"] for look in looks for row in look.rows if "system" in row}
        for split, looks in files.items()
    }
    if len(systems["production"]) != 1 or not systems["production"] < systems["eval"]:
        return files
    (system,) = systems["production"]
    only = {"system": system}
    return {split: tuple(replace(look, only=only) for look in files[split]) for split in SPLITS}


def _one_file(one: Found) -> tuple[Comparison, Sets, Chosen]:
    look = one.look
    if look is None:
        raise AssertionError(one.name)  # a run has rows
    sets = guess_sets([look])
    if sets.one is not None:
        return "two-sets", sets, {one.name: (BOTH, sets.why)}
    why = "the only file with records"
    sets = Sets(why, files={"eval": (), "production": (look,)})
    return "one-set", sets, {one.name: (split_of(_stem(one)) or "eval", why)}


def _pair(both: Sequence[Found]) -> tuple[Comparison, Sets, Chosen]:
    """Two runs of the same tasks, the earlier one first, told by their times or else names."""
    first, second = sorted(both, key=lambda one: (_begins(one), one.name))
    why = "both are runs of the same tasks"
    looks = [one.look for one in (first, second) if one.look is not None]
    sets = Sets(why, files={"eval": (looks[0],), "production": (looks[1],)})
    return "paired", sets, {first.name: ("first run", why), second.name: ("second run", why)}


def _begins(one: Found) -> str:
    if one.look is None:
        return ""
    parts = parts_of([one.look])
    times = [_text(row, parts, "timestamp") for row in one.look.rows[:1000]]
    return min((time for time in times if time), default="")


def _parts_of_one_run(largest: Found, files: Sequence[Found]) -> list[Found]:
    """A file, and those in the same format that share no task with it or with each other."""
    if largest.yields == "rows":
        return [largest]
    group, tasks = [largest], set(answers_of(largest).by_task)
    for one in files:
        theirs = answers_of(one).by_task.keys()
        if one is not largest and one.format == largest.format and not tasks & theirs:
            group.append(one)
            tasks |= theirs
    return group


def _largest(
    files: Sequence[Found], named: Mapping[Split, Sequence[Found]]
) -> tuple[Comparison, Sets, Chosen]:
    """One set: all files of the only split that is named, or else the largest file."""
    group: Sequence[Found] = named["eval"] or named["production"]
    why = "no file of the other kind is here"
    if not group:
        largest = max(files, key=lambda one: _records([one]))
        group = _parts_of_one_run(largest, files)
        why = "no name says which file is eval and which production"
        why += f", and {largest.name} is the largest"
        if all(one is largest or _share_tasks(largest, one) for one in files):
            why = f"there are {len(files)} runs of the same tasks: name two to have them compared"
        if len(group) > 1:
            why = "no name says which is eval and which production: these are parts of one run"
    sets = Sets(why, files={"eval": (), "production": _together(group)})
    role = "production" if group is named["production"] else "eval"
    return "one-set", sets, {one.name: (role, why) for one in group}
