"""How a verb shows its result: for a person, for a pipe, or as one JSON document.

Data goes to stdout, everything else to stderr.
"""

from __future__ import annotations

import functools
import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import click


@dataclass(frozen=True)
class Out:
    """Where a verb writes to, and in which form."""

    as_json: bool = False
    quiet: bool = False
    color: bool = True

    @property
    def rich(self) -> bool:
        """Whether a person is looking at stdout."""
        return sys.stdout.isatty() and not self.as_json

    def document(self, value: Mapping[str, Any]) -> None:
        """The one JSON document of `--json`."""
        click.echo(json.dumps(value, ensure_ascii=False, indent=2))

    def say(self, text: str = "", style: str = "") -> None:
        """A line of the result; left out when `--json` or `--quiet` is asked for."""
        if self.as_json or self.quiet:
            return
        if not self.rich:
            click.echo(text)
            return
        self.console().print(text, style=style or None, markup=False, highlight=False)

    def table(self, heads: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """Rows under heads; columns but the first are numbers, and end in line."""
        if self.as_json or self.quiet:
            return
        if self.rich:
            self._rich_table(heads, rows)
            return
        widths = [max(len(row[i]) for row in [heads, *rows]) for i in range(len(heads))]
        for row in [heads, *rows]:
            cells = [
                cell.ljust(w) if i == 0 else cell.rjust(w)
                for i, (cell, w) in enumerate(zip(row, widths, strict=True))
            ]
            click.echo("  ".join(cells).rstrip())

    def _rich_table(self, heads: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        from rich.table import Table
        from rich.text import Text

        shown = Table(box=None, pad_edge=False, header_style="bold")
        for i, head in enumerate(heads):
            shown.add_column(head, justify="left" if i == 0 else "right")
        for row in rows:
            shown.add_row(*map(Text, row))
        self.console().print(shown)

    def console(self) -> Any:
        from rich.console import Console

        return Console(no_color=not self.color or None, soft_wrap=True)

    @contextmanager
    def progress(self) -> Iterator[Callable[[str, int, int], None]]:
        """A function that shows how far long work has come, on a terminal's stderr."""
        if self.quiet or not sys.stderr.isatty():
            yield lambda what, done, total: None
            return
        from rich.console import Console
        from rich.progress import Progress

        with Progress(console=Console(stderr=True), transient=True) as bar:
            tasks: dict[str, Any] = {}

            def show(what: str, done: int, total: int) -> None:
                if what not in tasks:
                    tasks[what] = bar.add_task(what, total=total)
                bar.update(tasks[what], completed=done)

            yield show


def verb(function: Callable[..., Any]) -> click.Command:
    """A click command that takes what every verb takes, and is given an `Out`."""

    @functools.wraps(function)
    def run(as_json: bool, quiet: bool, no_color: bool, **arguments: Any) -> Any:
        color = not no_color and "NO_COLOR" not in os.environ
        return function(out=Out(as_json, quiet, color), **arguments)

    options = [
        click.option("--json", "as_json", is_flag=True, help="Print one JSON document."),
        click.option("--quiet", "-q", is_flag=True, help="Print errors only."),
        click.option("--no-color", is_flag=True, help="Print without colors (so does NO_COLOR)."),
    ]
    for option in reversed(options):
        run = option(run)
    return click.command(run)
