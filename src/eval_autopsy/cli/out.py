"""How a verb shows its result: for a person, for a pipe, or as one JSON document.

1. The result goes to stdout, everything else to stderr.
2. A terminal gets formatting; a pipe gets the same words without it.
3. `--json` gives one document and nothing else on stdout; `--quiet` gives nothing but errors.
4. A reader that goes away (`| head`) does not stop the verb: its exit code is still the answer.
"""

from __future__ import annotations

import functools
import inspect
import json
import os
import re
import shutil
import sys
import textwrap
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TextIO

import click

NARROWEST = 20  # columns that a text is folded to, on a terminal of any width


@dataclass(frozen=True)
class Out:
    """Where a verb writes to, and in which form."""

    as_json: bool = False
    quiet: bool = False
    color: bool = True

    @property
    def formatted(self) -> bool:
        """Whether a person is looking at stdout, on a terminal that can format."""
        return takes_codes(sys.stdout)

    @property
    def silent(self) -> bool:
        """Whether words are not wanted."""
        return self.as_json or self.quiet

    def document(self, value: Mapping[str, Any]) -> None:
        """The one JSON document of `--json`."""
        utf8 = (sys.stdout.encoding or "").lower().replace("-", "") == "utf8"
        write(json.dumps(value, ensure_ascii=not utf8, indent=2))

    def say(self, text: str = "", *, bold: bool = False) -> None:
        """A line of the result."""
        if not self.silent:
            write(click.style(text, bold=True) if bold and self.formatted else text)

    def row(self, head: str, text: str, width: int, *, fold: bool = True) -> None:
        """What is said beside a head of `width` columns; on a terminal it is folded there.

        A command is better not folded, so that it can be copied.
        """
        shown, lines = head.ljust(width), [text]
        if self.formatted and fold:
            room = max(shutil.get_terminal_size().columns - width - 1, NARROWEST)
            lines = textwrap.wrap(text, room, break_long_words=False, break_on_hyphens=False)
        if self.formatted and self.color:
            shown = click.style(shown, fg="cyan")
        margin = "\n" + " " * (width + 1)
        self.say(f"{shown} {margin.join(lines)}")

    def tell(self, text: str) -> None:
        """A line on stderr, about work that is about to begin."""
        if not self.quiet:
            click.echo(text, err=True)

    def markdown(self, text: str) -> None:
        """A text in Markdown: rendered on a terminal, as it is elsewhere."""
        if self.silent:
            return
        if not self.formatted:
            write(text.rstrip("\n"))
            return
        from rich.markdown import Markdown

        # A line of ours is a line of the terminal's; Markdown would run them together.
        self.console().print(Markdown(re.sub(r"(?<=\S)\n(?=\S)", "  \n", text)))

    def table(self, heads: Sequence[str], rows: Sequence[Sequence[str]], *, words: int = 1) -> None:
        """Rows under heads; the first columns hold words, and the others end in line."""
        if self.silent:
            return
        if self.formatted:
            self.console().print(_rich_table(heads, rows, words))
            return
        widths = [max(len(row[i]) for row in [heads, *rows]) for i in range(len(heads))]
        for row in [heads, *rows]:
            cells = [
                cell.ljust(width) if i < words else cell.rjust(width)
                for i, (cell, width) in enumerate(zip(row, widths, strict=True))
            ]
            write("  ".join(cells).rstrip())

    def console(self) -> Any:
        """Rich's console on stdout."""
        from rich.console import Console
        from rich.theme import Theme

        # Rich writes code on black, which is a bar across a light terminal.
        theme = Theme({"markdown.code": "cyan"})
        return Console(no_color=not self.color or None, highlight=False, theme=theme)

    @contextmanager
    def progress(self) -> Iterator[Callable[[str, int, int], None]]:
        """A function that shows how far long work has come, on a terminal's stderr.

        Without colors it is the same bar. A terminal that takes no control codes gets none.

        What is being done may end in " · " and a detail that changes, such as what was spent.
        """
        if self.quiet or not takes_codes(sys.stderr):
            yield lambda what, done, total: None
            return
        from rich.console import Console
        from rich.progress import MofNCompleteColumn, Progress, TextColumn

        console = Console(stderr=True, no_color=not self.color or None)
        more = (MofNCompleteColumn(), TextColumn("{task.fields[rate]}"))
        columns = (*Progress.get_default_columns(), *more)
        with Progress(*columns, console=console, transient=True) as bar:
            tasks: dict[str, Any] = {}

            def show(what: str, done: int, total: int) -> None:
                name = what.partition(" · ")[0]
                if name not in tasks:
                    tasks[name] = bar.add_task(name, total=total, rate="")
                speed = bar.tasks[tasks[name]].speed
                rate = f"{speed:,.1f}/s" if speed else ""
                bar.update(tasks[name], completed=done, description=what, rate=rate)

            yield show


def takes_codes(stream: TextIO) -> bool:
    """Whether a stream is a terminal that takes control codes, as one says by TERM.

    Windows sets no TERM, and its terminals take them; elsewhere one without a name is not known to.
    """
    named = os.environ.get("TERM", "xterm" if os.name == "nt" else "")
    return stream.isatty() and named not in ("", "dumb", "unknown")


def write(text: str) -> None:
    """A line on stdout, unless its reader has gone."""
    try:
        click.echo(text)
    except BrokenPipeError:
        nobody_reads(sys.stdout)


def nobody_reads(stream: TextIO) -> None:
    """Sends what is still written to a stream nowhere, so that Python does not try at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _rich_table(heads: Sequence[str], rows: Sequence[Sequence[str]], words: int) -> Any:
    from rich.table import Table
    from rich.text import Text

    shown = Table(box=None, pad_edge=False, header_style="bold")
    for i, head in enumerate(heads):
        # Folded, not cut: a number that lost a digit would be another number.
        shown.add_column(Text(head), justify="left" if i < words else "right", overflow="fold")
    for row in rows:
        shown.add_row(*map(Text, row))
    return shown


def options(draws: bool) -> list[click.Parameter]:
    """What every verb takes, after its own options; `draws` is whether anything is random."""
    seeds = "Seed of what is drawn at random, in place of the case's; the receipt records it."
    none = "Taken by every verb; nothing is drawn at random here."
    return [
        click.Option(["--json", "as_json"], is_flag=True, help="Print one JSON document."),
        click.Option(["--quiet", "-q"], is_flag=True, help="Print errors only."),
        click.Option(["--no-color"], is_flag=True, help="Print without colors; so does NO_COLOR."),
        click.Option(
            ["--seed"],
            type=click.IntRange(0, 2**32 - 1),
            metavar="N",
            help=seeds if draws else none,
        ),
    ]


def verb(function: Callable[..., int | None]) -> click.Command:
    """A click command that takes what every verb takes, and is given an `Out`.

    The seed goes to the verbs that have a parameter for it; the others draw nothing.
    """
    draws = "seed" in inspect.signature(function).parameters

    @functools.wraps(function)
    def run(
        as_json: bool, quiet: bool, no_color: bool, seed: int | None, **arguments: Any
    ) -> int | None:
        color = not no_color and not os.environ.get("NO_COLOR")
        if draws:
            arguments["seed"] = seed
        return function(out=Out(as_json, quiet, color), **arguments)

    command = click.command(run)
    command.params.extend(options(draws))
    return command
