"""The command `autopsy`: which verbs there are, and how any of them ends.

Verbs are imported when they are asked for, and each imports what it works with when it runs, so
that help and verification load neither polars nor pydantic.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
from collections.abc import Sequence

import click

from eval_autopsy import __version__, kernel
from eval_autopsy.errors import AutopsyError, BadCase, CannotUse

VERBS = {
    "Look": {
        "slices": "look",
        "demo": "run",
    },
    "Investigate": {
        "init": "investigate",
        "run": "run",
    },
    "Prove": {
        "claims": "prove",
        "verify": "prove",
    },
    "Extend": {
        "formats": "extend",
        "scorers": "extend",
        "doctor": "extend",
    },
}
MODULES = {name: module for verbs in VERBS.values() for name, module in verbs.items()}

EPILOG = """Exit codes: 0 it holds, or the work was done; 1 what was checked does not hold;
2 it could not be checked, or the input cannot be used; 130 interrupted, nothing lost."""


class Verbs(click.Group):
    """The verbs in the order in which they are used, imported when asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(MODULES)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in MODULES:
            return None
        module = importlib.import_module(f"eval_autopsy.cli.{MODULES[cmd_name]}")
        command: click.Command = getattr(module, cmd_name)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        import difflib

        if args and args[0] not in MODULES and not args[0].startswith("-"):
            near = difflib.get_close_matches(args[0], MODULES, n=1)
            remedy = f"did you mean {near[0]}?" if near else "run `autopsy --help` for the verbs"
            raise BadCase(f"there is no verb {args[0]!r}", remedy=remedy)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        for group, names in VERBS.items():
            with formatter.section(group):
                commands = [(name, self.get_command(ctx, name)) for name in names]
                formatter.write_dl(
                    [
                        (name, command.get_short_help_str(70))
                        for name, command in commands
                        if command
                    ]
                )


@click.group(cls=Verbs, epilog=EPILOG, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="autopsy", message="%(prog)s %(version)s")
def autopsy() -> None:
    """Finds out what an average score hides, and writes a receipt that proves itself.

    Start with `autopsy demo`, or with `autopsy init PATH...` on a folder of your own.
    """


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command and returns its exit code; an error is one paragraph on stderr."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        return int(autopsy.main(given, prog_name="autopsy", standalone_mode=False) or 0)
    except AutopsyError as error:
        return explain(error, "--json" in given)
    except kernel.Unreadable as error:
        known = CannotUse(error.what, where=error.where, remedy=error.remedy)
        return explain(known, "--json" in given)
    except click.ClickException as error:
        usage = error.ctx.get_usage() if isinstance(error, click.UsageError) and error.ctx else ""
        what = error.format_message().rstrip(".")
        return explain(BadCase(what[:1].lower() + what[1:], remedy=usage), "--json" in given)
    except (KeyboardInterrupt, click.Abort):
        print("interrupted: nothing was changed.", file=sys.stderr)
        return 130
    except BrokenPipeError:
        # The reader has gone. Python would complain once more when it flushes at the end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def explain(error: AutopsyError, as_json: bool) -> int:
    """Says what went wrong, and returns the exit code for it."""
    print(kernel.visible(str(error), keep="\n"), file=sys.stderr)
    if as_json:
        print(json.dumps({"error": error.to_dict()}, ensure_ascii=False))
    return error.exit_code
