"""Values of tools' logs, taken as what they should be: a message's text, a number, a time.

What is not of the kind that was expected raises Unfit, so that the reader can set the record aside.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

KINDS = {dict: "an object", list: "an array", str: "text", int: "a whole number", bool: "a verdict"}
LATEST = 253_402_300_799_000  # milliseconds: the last second of the year 9999


class Unfit(Exception):
    """A value that is not of the kind that was expected; the message says which, for an Aside."""


def taken(record: Any, key: str, kind: type) -> Any:
    """The value at a key, when it is of a kind; None when there is none. Raises Unfit."""
    value = record.get(key)
    if value is None or (isinstance(value, kind) and (kind is bool) >= isinstance(value, bool)):
        return value
    raise Unfit(f"its {key} is {str(value)[:40]!r}, expected {KINDS[kind]}")


def inside(value: Any, *path: str) -> Any:
    """The value at a path of keys, or None where there is no object to look in."""
    for key in path:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def amount(value: Any) -> Decimal | None:
    """A number that is not negative, or None."""
    if isinstance(value, bool) or not isinstance(value, (int, Decimal)) or value < 0:
        return None
    return Decimal(value)


def flat(value: Mapping[str, Any], prefix: str = "") -> dict[str, object]:
    """The members of an object under dotted names, those of the objects inside it among them."""
    found: dict[str, object] = {}
    for key, member in value.items():
        if isinstance(member, dict):
            found |= flat(member, f"{prefix}{key}.")
        else:
            found[prefix + key] = member
    return found


def content_text(content: Any) -> str:
    """The text of a chat message's content, which is text or an array of parts."""
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else []
    texts = (inside(part, "text") for part in parts if inside(part, "type") == "text")
    return "\n".join(text for text in texts if isinstance(text, str))


def asked(value: Any) -> Any:
    """The text of the user's message, when an input is a chat with only one and that is all text.

    Another input is given as it is.
    """
    chat = value if isinstance(value, list) else []
    by_user = [inside(one, "content") for one in chat if inside(one, "role") == "user"]
    if len(by_user) != 1 or not _all_text(by_user[0]):
        return value
    return content_text(by_user[0])


def _all_text(content: Any) -> bool:
    if isinstance(content, list):
        return all(inside(part, "type") == "text" for part in content)
    return isinstance(content, str)


def iso_time(milliseconds: Any) -> str | None:
    """A time in milliseconds since 1970 as ISO 8601 in UTC; None for what is no such time."""
    found = amount(milliseconds)
    if found is None or found > LATEST:
        return None
    return datetime.fromtimestamp(float(found) / 1000, UTC).isoformat(timespec="milliseconds")
