"""Traces of spans as samples.

1. A trace is one sample. Its spans may lie far apart in the log, so they are gathered first, in a
   temporary file.
2. Input and output are those of the root, else the input of the first call of a model and the
   output of the last span that has one and is no tool. A trace that has nothing of a model is
   passed over, and counted.
3. The expected answer is the root's, or what the metadata or an attribute names so; see EXPECTED.
4. A trace has failed when its root has; or when it has no output and a span in it has failed.
5. A score that is on two spans with the same value is one.
6. Cluster is the conversation or session. Tokens and cost are summed over the calls of models.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from decimal import Decimal
from operator import attrgetter
from typing import Any

from eval_autopsy import kernel
from eval_autopsy.kernel import MISSING
from eval_autopsy.readers.exports import cell
from eval_autopsy.readers.grades import Grade, Grades, ordered
from eval_autopsy.readers.log_values import flat, known
from eval_autopsy.readers.logs import Item, Needs, Note, Sample
from eval_autopsy.readers.spans import ABOUT_MODELS, MODELS, TOOLS, Span, moment_of
from eval_autopsy.readers.spool import Spool

NO_ANSWER = (*TOOLS, "RETRIEVER", "EMBEDDING", "RERANKER", "EVALUATOR", "GUARDRAIL", "embeddings")
EXPECTED = ("expected", "expected_output", "expected_answer", "reference", "ground_truth")

# Beginnings of attributes that say how a span was recorded, and nothing about the case.
PLUMBING: tuple[str, ...] = (
    *ABOUT_MODELS,
    *("input.", "output.", "embedding.", "retrieval.", "reranker.", "message.", "tool."),
    *("tool_call.", "metadata", "error.type", "exception.", "otel.", "service.instance."),
    *("telemetry.", "process.", "host.", "os.", "thread.", "code.", "container.", "k8s."),
    *("http.", "url.", "net.", "network.", "server.", "client.", "rpc.", "user_agent."),
)

# What a sample's attribute is called, and the span's attributes that it is, the first one known.
NAMED: Mapping[str, tuple[str, ...]] = {
    "model": ("gen_ai.response.model", "gen_ai.request.model", "llm.model_name"),
    "provider": ("gen_ai.provider.name", "gen_ai.system", "llm.provider"),
    "agent": ("gen_ai.agent.name", "agent.name"),
    "finish_reason": ("gen_ai.response.finish_reasons", "llm.finish_reason"),
    "temperature": ("gen_ai.request.temperature",),
    "prompt_version": ("llm.prompt_template.version",),
    "tags": ("tag.tags",),
}
TOKENS: Mapping[str, tuple[str, ...]] = {
    "input_tokens": ("gen_ai.usage.input_tokens", "llm.token_count.prompt"),
    "output_tokens": ("gen_ai.usage.output_tokens", "llm.token_count.completion"),
}
COST = ("llm.cost.total", "gen_ai.usage.cost")
CONVERSATION = ("gen_ai.conversation.id", "session.id")
_values = attrgetter(*Span.__slots__)
TAKEN = {name for names in (*NAMED.values(), CONVERSATION) for name in names}


def samples(
    spans: Iterable[tuple[str, Span]],
    id_of: Callable[[str, Span], str],
    unscored: str,
    *,
    calls_apart: bool = False,
) -> Iterator[Item]:
    """The samples of all traces, then the notes.

    `id_of` makes the id of a trace's sample of the trace's and the root; `unscored` says where the
    scores are, for when no span has any. With `calls_apart`, each span of a trace that has calls of
    a model alone is a sample by itself, and the trace their cluster.
    """
    spool, grades = Spool(), Grades()
    for trace, span in spans:
        for grade in span.grades:
            grades.see(Grade(*grade))
        spool.add(trace, _values(span))
    passed_over = 0
    for trace, values in spool:
        found = sorted((Span(*value) for value in values), key=lambda span: span.begins or 0)
        if not any(span.is_of_a_model for span in found):
            passed_over += 1
            continue
        if calls_apart and _are_calls(found):
            for span in found:
                yield _sample(span.id, trace, span, [span], grades)
        else:
            root = _root(found)
            yield _sample(id_of(trace, root), None, root, found, grades)
    if passed_over:
        yield Note(f"passed over: {passed_over:,} traces, which have nothing of a model")
    yield from grades.notes() if grades else [Needs("scores", unscored)]


def _are_calls(spans: list[Span]) -> bool:
    """Whether there are several spans, each a call of a model, none the parent of another."""
    ids = {span.id for span in spans}
    alone = (span.kind in MODELS and span.parent not in ids for span in spans)
    return len(spans) > 1 and all(alone)


def _root(spans: list[Span]) -> Span:
    """The first span without a parent in the trace."""
    ids = {span.id for span in spans}
    return next((span for span in spans if span.parent not in ids), spans[0])


def _sample(
    name: str, cluster: str | None, root: Span, spans: list[Span], grades: Grades
) -> Sample:
    others = [span for span in spans if span is not root]
    models = [span for span in spans if span.kind in MODELS] or [root]
    output = _output(root, others)
    error = _error(root, spans, output)
    grades_of_all = [Grade(*grade) for span in (root, *others) for grade in span.grades]
    scored = [one for at, one in enumerate(grades_of_all) if one not in grades_of_all[:at]]
    attributes = _attributes([root, *others], models)
    conversation = known((*(span.first(CONVERSATION) for span in spans), cluster))
    return Sample(
        at=root.at,
        id=name,
        input=known(span.asked for span in (root, *models, *others)),
        expected=known((root.expected, *[attributes.pop(name, MISSING) for name in EXPECTED])),
        output=MISSING if error and output == "" else output,
        score=None if error else grades.of(scored),
        scores=ordered(scored, grades.chosen()),
        error=error,
        grader_error=next((span.grader_error for span in spans if span.grader_error), ""),
        timestamp=moment_of(root.begins),
        latency=root.seconds(),
        cost=_sum(models, COST),
        cluster=None if conversation is MISSING else str(conversation),
        steps=[span.step() for span in others if span.is_of_a_model],
        attributes=attributes,
    )


def _output(root: Span, others: list[Span]) -> Any:
    last = sorted(others, key=lambda span: span.ends or 0, reverse=True)
    return known(
        span.answered for span in (root, *last) if span is root or span.kind not in NO_ANSWER
    )


def _error(root: Span, spans: list[Span], output: Any) -> str:
    """The message of what failed, "" when nothing did; see rule 4."""
    failed = [span for span in spans if span.error is not None]
    if root.error is None and not (failed and output in (MISSING, "")):
        return ""
    messages = (root.error, *(span.error for span in reversed(failed)))
    types = (span.attributes.get("error.type") for span in reversed(failed))
    return next((str(text) for text in (*messages, *types) if text), "failed, without a message")


def _attributes(spans: list[Span], models: list[Span]) -> dict[str, Any]:
    """The attributes of a trace; of one that comes again, the root's and then the first counts."""
    found: dict[str, Any] = {}
    for span in spans:
        metadata = cell(span.attributes.get("metadata"))
        found = (_known(metadata) if isinstance(metadata, dict) else {}) | found
        found = _telling(span.attributes) | found
    found = _telling(spans[0].resource) | found
    for name, names in NAMED.items():
        value = cell(known(span.first(names) for span in (*reversed(models), *spans)))
        if value is not MISSING:
            alone = isinstance(value, list) and len(value) == 1 and name != "tags"
            found.setdefault(name, value[0] if alone else value)
    for name, names in TOKENS.items():
        tokens = _sum(models, names)
        if tokens is not None:
            found.setdefault(name, tokens)
    return found


def _telling(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """The attributes that say something about the case."""
    return _known(
        {
            name: value
            for name, value in attributes.items()
            if not name.startswith(PLUMBING) and name not in TAKEN
        }
    )


def _known(value: Mapping[str, Any]) -> dict[str, Any]:
    """The members of an object that are not null, under dotted names."""
    return {name: member for name, member in flat(value).items() if member is not None}


def _sum(spans: list[Span], names: tuple[str, ...]) -> Decimal | None:
    """What an attribute sums up to, None when no span has it."""
    numbers = [kernel.number_in(span.first(names)) for span in spans]
    amounts = [number for number in numbers if number is not None and number >= 0]
    return sum(amounts, Decimal(0)) if amounts else None
