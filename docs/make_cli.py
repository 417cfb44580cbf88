"""Writes docs/cli.md from the help of every verb.

python docs/make_cli.py            compares, and shows the difference
python docs/make_cli.py --write    writes
"""

from __future__ import annotations

import difflib
import sys
from pathlib import Path

import click

from eval_autopsy.cli.main import MODULES, WIDTH, autopsy

PAGE = Path(__file__).with_name("cli.md")
HEAD = """# The command line

Each page is what the command prints with `--help`. This file is made by `docs/make_cli.py`.
"""


def page() -> str:
    """The whole file."""
    top = click.Context(
        autopsy, info_name="autopsy", terminal_width=WIDTH, help_option_names=["-h", "--help"]
    )
    parts = [HEAD, section("autopsy", top)]
    for name in MODULES:
        verb = autopsy.get_command(top, name)
        if verb is not None:
            parts.append(
                section(f"autopsy {name}", click.Context(verb, parent=top, info_name=name))
            )
    return "\n".join(parts)


def section(title: str, context: click.Context) -> str:
    """A heading and the help of one command."""
    lines = [line.rstrip() for line in context.get_help().splitlines()]
    return "\n".join([f"## {title}", "", "```text", *lines, "```", ""])


def difference() -> str:
    """What the file says and what it should say; empty when it is as it should be."""
    found = PAGE.read_text(encoding="utf-8") if PAGE.exists() else ""
    lines = (found.splitlines(keepends=True), page().splitlines(keepends=True))
    return "".join(difflib.unified_diff(*lines, "docs/cli.md", "--help"))


if __name__ == "__main__":
    if "--write" in sys.argv[1:]:
        PAGE.write_text(page(), encoding="utf-8")
    print(difference() or "docs/cli.md is as the help says.")
    sys.exit(1 if difference() else 0)
