"""A span of a trace, whatever wrote it, and what its attributes say was asked and answered.

Attributes are those of OpenTelemetry's GenAI conventions, of OpenInference, and of OpenLLMetry
(`gen_ai.prompt.0.content`; read from its documentation).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from eval_autopsy import kernel
from eval_autopsy.kernel import MISSING
from eval_autopsy.readers.exports import cell
from eval_autopsy.readers.log_values import known
from eval_autopsy.readers.messages import answered, asked, messages_in

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MODELS = ("LLM", "chat", "text_completion", "generate_content", "completion")
TOOLS = ("TOOL", "execute_tool")
KINDS = ("openinference.span.kind", "gen_ai.operation.name", "llm.request.type")
ABOUT_MODELS = ("gen_ai.", "llm.", "openinference.", "traceloop.")


@dataclass(slots=True)
class Span:
    """One span: where it stands, what it is in, when it was (nanoseconds), and how it went."""

    at: int
    id: str
    parent: str
    name: str
    begins: int | None
    ends: int | None
    error: str | None  # None when it did not fail; "" when it failed without a message
    attributes: dict[str, Any]
    resource: dict[str, Any] = field(default_factory=dict)
    grades: list[list[Any]] = field(default_factory=list)  # name, value and label of each
    grader_error: str = ""
    expected: Any = None

    def first(self, names: Iterable[str]) -> Any:
        """The first of these attributes that is known, or MISSING."""
        return known(self.attributes.get(name) for name in names)

    @property
    def kind(self) -> str:
        """What it records, in the words of the convention it follows; "" when it says not."""
        found = self.first(KINDS)
        return found if isinstance(found, str) else ""

    @property
    def is_of_a_model(self) -> bool:
        """Whether it is about a model, an agent, a tool or an evaluation."""
        return bool(self.grades) or any(name.startswith(ABOUT_MODELS) for name in self.attributes)

    @property
    def asked(self) -> Any:
        """Its input, MISSING when there is none."""
        return asked(known(self._said("input", "prompt")))

    @property
    def answered(self) -> Any:
        """Its output, MISSING when there is none."""
        return answered(known(self._said("output", "completion")))

    def _said(self, side: str, older: str) -> Iterator[Any]:
        """The places for what was said, the more particular ones first."""
        yield cell(self.attributes.get(f"gen_ai.{side}.messages"))
        yield cell(self.attributes.get(f"llm.{side}_messages"))
        yield self._numbered(f"llm.{side}_messages.")
        yield self._numbered(f"gen_ai.{older}.")
        yield self._value(side)
        yield cell(self.attributes.get(f"traceloop.entity.{side}"))

    def _value(self, side: str) -> Any:
        """The value that OpenInference has: text stays text, unless it says that it is JSON."""
        value = self.attributes.get(f"{side}.value")
        is_json = self.attributes.get(f"{side}.mime_type") == "application/json"
        found = cell(value)
        return found if is_json or messages_in(found) else value

    def _numbered(self, prefix: str) -> list[dict[str, Any]]:
        """The items of a list that is written as PREFIX0.key, PREFIX1.key, ..."""
        found: dict[int, dict[str, Any]] = {}
        for name, value in self.attributes.items():
            if name.startswith(prefix):
                number, _, key = name[len(prefix) :].partition(".")
                if number.isdecimal() and len(number) < 7 and key:
                    found.setdefault(int(number), {})[key] = value
        return [found[number] for number in sorted(found)]

    def seconds(self) -> Decimal | None:
        """How long it took, None when that is not known."""
        if self.begins is None or self.ends is None or self.ends < self.begins:
            return None
        return Decimal(self.ends - self.begins).scaleb(-9)

    def step(self) -> dict[str, Any]:
        """The span as a step: what a tool was given and gave, or what a model answered."""
        found = {"id": self.id, "kind": self.kind, "name": self.name, "output": self.answered}
        if self.kind in TOOLS:
            given = self.first(("gen_ai.tool.call.arguments", "tool.parameters"))
            gave = self.attributes.get("gen_ai.tool.call.result")
            found["name"] = known((self.first(("gen_ai.tool.name", "tool.name")), self.name))
            found["input"] = known((cell(given), self.asked))
            found["output"] = known((cell(gave), self.answered))
        found["error"] = MISSING if self.error is None else self.error
        return {key: value for key, value in found.items() if value not in (MISSING, "")}


def moment_of(nanoseconds: int | None) -> str | None:
    """A time since 1970 as ISO 8601 text in UTC, to the microsecond; None when it is not known."""
    if nanoseconds is None:
        return None
    return (EPOCH + timedelta(microseconds=nanoseconds // 1000)).isoformat()


def nanoseconds_of(value: Any) -> int | None:
    """A time as nanoseconds since 1970, of a number, also as text, or of ISO 8601; None of others.

    A number is in seconds, milli-, micro- or nanoseconds, as makes it a year from 1973 to 5138. ISO
    text without a zone is taken for UTC.
    """
    if isinstance(value, str) and "-" in value:
        try:
            found = datetime.fromisoformat(value)
            found = found if found.tzinfo else found.replace(tzinfo=UTC)
            return (found - EPOCH) // timedelta(microseconds=1) * 1000
        except (ValueError, OverflowError):
            return None
    number = kernel.number_in(value)
    if number is None or not 0 < number < 2**63:
        return None
    unit = next((unit for unit in (9, 6, 3) if number < Decimal(10) ** (20 - unit)), 0)
    return int(number.scaleb(unit))
