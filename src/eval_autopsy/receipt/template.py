"""Reports are templates whose only numbers are claims.

1. What a template prints is a Hole; anything else that is printed is an error.
2. The template's own text obeys the kernel's rule for prose: no digit, no number-word.
3. An error names the template and the line.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import jinja2

from eval_autopsy import kernel
from eval_autopsy.errors import CannotUse
from eval_autopsy.receipt.claims import Hole

_MARK = "\x00"  # not a character of prose, so that it can only be ours


def pieces_of(
    name: str, values: Mapping[str, Any], loader: jinja2.BaseLoader | None = None
) -> list[str | dict[str, Any]]:
    """The text with holes that a template and its values make, for the kernel to fill."""
    holes: list[Hole] = []

    def keep(value: object) -> str:
        if isinstance(value, Hole):
            holes.append(value)
            return f"{_MARK}{len(holes) - 1}{_MARK}"
        if isinstance(value, jinja2.Undefined):
            return str(value)  # which says the name
        raise TypeError(f"{value!r} is printed without a claim")

    environment = jinja2.Environment(
        loader=loader or jinja2.PackageLoader("eval_autopsy.receipt"),
        undefined=jinja2.StrictUndefined,
        finalize=keep,
        autoescape=False,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    try:
        check_prose(environment, name)
        text = environment.get_template(name).render(values)
    except jinja2.TemplateError as error:
        line = getattr(error, "lineno", None) or _line_in(error, name)
        raise CannotUse(str(error), where=f"{name}:{line}") from error
    except (TypeError, kernel.Unreadable) as error:
        remedy = "print a claim in a form, such as claim.percent"
        raise CannotUse(
            str(error), where=f"{name}:{_line_in(error, name)}", remedy=remedy
        ) from error
    return assembled(text, holes, name)


def check_prose(environment: jinja2.Environment, name: str) -> None:
    """Raises CannotUse at the first line of a template that states a quantity of its own."""
    if environment.loader is None:
        raise CannotUse("no templates to load", where=name)
    source, _, _ = environment.loader.get_source(environment, name)
    for line, token, text in environment.lex(source):
        if token == "data":
            for offset, prose in enumerate(text.split("\n")):
                for problem in kernel.numbers_in([prose]):
                    raise CannotUse(
                        f"this cannot stand in prose: {problem}",
                        where=f"{name}:{line + offset}",
                        remedy="state a number by naming a claim and a form",
                    )


def assembled(text: str, holes: list[Hole], name: str) -> list[str | dict[str, Any]]:
    """Rendered text cut at its marks into pieces of prose and holes."""
    parts = re.split(f"{_MARK}(\\d+){_MARK}", re.sub(r"\n{3,}", "\n\n", text))
    pieces: list[str | dict[str, Any]] = [
        dict(holes[int(part)].piece) if i % 2 else part for i, part in enumerate(parts)
    ]
    pieces = [piece for piece in pieces if piece != ""]
    for problem in kernel.numbers_in(pieces):
        raise CannotUse(f"{problem}: the prose may not touch a number", where=name)
    return pieces


def _line_in(error: BaseException, name: str) -> int:
    """The template's line that an error passed through."""
    trace, line = error.__traceback__, 0
    while trace is not None:
        # A loader that has no files calls every template "<template>".
        if trace.tb_frame.f_code.co_filename.endswith((name, "<template>")):
            line = trace.tb_lineno
        trace = trace.tb_next
    return line
