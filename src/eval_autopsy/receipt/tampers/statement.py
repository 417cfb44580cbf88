"""Edits of receipt.json.

A place is a path such as `/predicate/claims/op=rate/value`. In an array, a part of it is an index,
or `key=value` for the first item that has it (`key=*` whatever the value), or `words` for the
first text that has any. In what is put there, `@op=rate` stands for the id of the first claim of
that operation, `@value=refuted` for that of the first with that value, `@record` for a record's
id, `@finding` and `@other finding` for a finding's.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from typing import Any

from eval_autopsy import kernel
from eval_autopsy.receipt.tampers import redo
from eval_autopsy.receipt.tampers.copies import Copy, NotApplicable


def spot(copy: Copy, at: str) -> tuple[Any, Any]:
    """The object or array that holds a place, and the place's key or index in it."""
    holder: Any = {"": copy.statement}
    key: Any = ""
    for part in at.split("/")[1:]:
        holder = holder[key]
        key = _key(holder, part, at)
    return holder, key


def _key(node: Any, part: str, at: str) -> Any:
    if isinstance(node, dict) and part in node:
        return part
    if isinstance(node, list) and node and re.fullmatch(r"-1|\d+", part) and int(part) < len(node):
        return int(part) % len(node)
    for index, item in enumerate(node if isinstance(node, list) else ()):
        if _is_meant(item, part):
            return index
    raise NotApplicable(f"receipt.json has nothing at {at}")


def _is_meant(item: Any, part: str) -> bool:
    name, equals, value = part.partition("=")
    if equals:
        return isinstance(item, dict) and name in item and value in ("*", str(item[name]))
    return part == "words" and isinstance(item, str) and re.search("[a-z]", item) is not None


def _named(copy: Copy, value: Any) -> Any:
    """A value with the ids that its references stand for."""
    if isinstance(value, list):
        return [_named(copy, item) for item in value]
    if isinstance(value, dict):
        return {key: _named(copy, item) for key, item in value.items()}
    if value == "@record":
        return copy.original.records[-1].id
    if value in ("@finding", "@other finding"):
        at = "/predicate/findings/" + ("0" if value == "@finding" else "1")
        found, key = spot(copy, at)
        return found[key]["id"]
    if isinstance(value, str) and value.startswith(("@op=", "@value=")):
        claims, key = spot(copy, "/predicate/claims/" + value[1:])
        return claims[key]["id"]
    return value


def put(copy: Copy, at: str, to: Any) -> None:
    """Gives a place another value, or an object a new key."""
    to = _named(copy, to)
    parent, _, key = at.rpartition("/")
    holder, inner = spot(copy, parent)
    target = holder[inner]
    if isinstance(target, dict):
        target[key] = to
    else:
        target[_key(target, key, at)] = to


def remove(copy: Copy, at: str) -> None:
    holder, key = spot(copy, at)
    del holder[key]


def insert(copy: Copy, at: str, items: list[Any]) -> None:
    """Puts items into an array before an index."""
    parent, _, index = at.rpartition("/")
    holder, key = spot(copy, parent)
    place = int(index)
    holder[key][place:place] = _named(copy, items)


def retext(copy: Copy, at: str, find: str, to: str) -> None:
    """Replaces the first match of a pattern in a text, or in an array's first text with one."""
    holder, key = spot(copy, at)
    if isinstance(holder[key], list):
        holder = holder[key]
        texts = (i for i, one in enumerate(holder) if isinstance(one, str) and re.search(find, one))
        key = next(texts, 0)
    if not isinstance(holder[key], str) or not re.search(find, holder[key]):
        raise NotApplicable(f"nothing like {find} at {at}")
    holder[key] = re.sub(find, lambda match: to, holder[key], count=1)


def twice(copy: Copy, at: str) -> None:
    """Repeats an item of an array."""
    holder, key = spot(copy, at)
    holder.insert(key, json.loads(json.dumps(holder[key])))


def exchange(copy: Copy, at: str, other: str) -> None:
    """Swaps the values of two places, which must differ."""
    (one, key), (two, name) = spot(copy, at), spot(copy, other)
    if one[key] == two[name]:
        raise NotApplicable(f"{at} and {other} are the same")
    one[key], two[name] = two[name], one[key]


def rename(copy: Copy, at: str, to: str) -> None:
    """Gives a key another name."""
    holder, key = spot(copy, at)
    for name in list(holder):  # all of them, so that they stay in order
        holder[to if name == key else name] = holder.pop(name)


def lengthen(copy: Copy, at: str, by: int) -> None:
    """Adds to a number."""
    holder, key = spot(copy, at)
    holder[key] += by


def capitals(copy: Copy, at: str) -> None:
    """Writes a text in capitals."""
    holder, key = spot(copy, at)
    holder[key] = holder[key].upper()


def drop_subject(copy: Copy, file: str) -> None:
    """Takes a file out of the list of subjects, and leaves it where it is."""
    name = copy.name(file)
    copy.statement["subject"] = [s for s in copy.statement["subject"] if s["name"] != name]


def drop_finding(copy: Copy, at: str) -> None:
    """Takes a finding away, and where the report shows it."""
    holder, key = spot(copy, at)
    name = holder.pop(key)["id"]
    copy.predicate["report"] = joined(
        piece for piece in copy.predicate["report"] if piece != {"finding": name}
    )


def drop_guard(copy: Copy, guard: str) -> None:
    """Takes a guard away, and the rows of tables that are about it."""
    evidence = copy.predicate["evidence"]
    evidence["guards"] = [one for one in evidence["guards"] if one["name"] != guard]
    about = {c["id"] for c in copy.predicate["claims"] if _about(c) == guard}
    for piece in copy.predicate["report"]:
        if isinstance(piece, dict) and "table" in piece:
            piece["table"] = [row for row in piece["table"] if row[0][0] not in about]


def _about(claim: Any) -> str:
    return str(claim["args"].get("outcome", "")).partition(":")[2]


def joined(pieces: Iterable[Any]) -> list[Any]:
    """Pieces of which no two that follow each other are texts."""
    found: list[Any] = []
    for piece in pieces:
        if isinstance(piece, str) and found and isinstance(found[-1], str):
            found[-1] += piece
        else:
            found.append(piece)
    return found


def rename_claim(copy: Copy, at: str, to: str) -> None:
    """Gives a claim another id, wherever it is named."""
    holder, key = spot(copy, at)
    redo.rename_claims(copy, {holder[key]["id"]: to})


def turn(copy: Copy, at: str, between: list[Any]) -> None:
    """Changes a value to the other one of two."""
    holder, key = spot(copy, at)
    if holder[key] not in between:
        raise NotApplicable(f"{at} is none of {between}")
    holder[key] = between[1 - between.index(holder[key])]


def rest(copy: Copy, at: str, step: int) -> None:
    """Says that a claim rests on more, or on less."""
    holder, key = spot(copy, at)
    order = ["given", "re-scored", "re-run"]
    wanted = order.index(holder[key]) + step
    if wanted not in range(len(order)):
        raise NotApplicable(f"a claim that is {holder[key]} cannot rest on that")
    holder[key] = order[wanted]


def level(copy: Copy, at: str, do: str) -> None:
    """Makes a slice's first attribute have a level that is not there, one twice, or none."""
    holder, key = spot(copy, at)
    if not holder[key]:
        raise NotApplicable(f"{at} is about all records")
    name, levels = next(iter(holder[key].items()))
    holder[key][name] = {"unknown": ["tampered"], "twice": levels + levels, "none": []}[do]


def swap_source_splits(copy: Copy) -> None:
    """Calls eval's sources production's, and the other way round."""
    names = dict(zip(kernel.SPLITS, reversed(kernel.SPLITS), strict=True))
    for source in copy.predicate["evidence"]["sources"]:
        if "split" in source:
            source["split"] = names[source["split"]]
        else:
            source["splits"] = {names[split]: value for split, value in source["splits"].items()}


def nudge(copy: Copy, at: str) -> None:
    """Changes a claim's value by the least that is not within its tolerance."""
    claim, key = spot(copy, at)
    claim[key] = _nudged(claim[key], kernel.OPERATIONS[claim["op"]].kind)


def _nudged(value: Any, kind: str) -> Any:
    if kind in ("ids", "slices"):
        return value[:-1] if value else [{}] if kind == "slices" else ["nobody"]
    if kind == "verdict":
        return "refuted" if value == "measured" else "measured"
    if kind == "interval":
        return [value[0], kernel.real(float(value[1]) - 1e-8)]
    if kind == "real":
        return kernel.real(float(value) * 1.00001)
    number, slash, of = str(value).partition("/")
    step = -1 if kind == "rate" and number == of else 1
    return str(int(number) + step) + slash + of


EDITS: dict[str, Callable[..., None]] = {
    "put": put,
    "remove": remove,
    "insert": insert,
    "retext": retext,
    "twice": twice,
    "exchange": exchange,
    "rename": rename,
    "lengthen": lengthen,
    "capitals": capitals,
    "drop subject": drop_subject,
    "drop finding": drop_finding,
    "drop guard": drop_guard,
    "rename claim": rename_claim,
    "turn": turn,
    "rest": rest,
    "level": level,
    "swap splits of sources": swap_source_splits,
    "nudge": nudge,
}
