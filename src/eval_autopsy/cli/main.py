"""The command `autopsy`: which verbs there are, and how any of them ends.

1. Verbs are imported when they are asked for, and each imports what it works with when it runs,
   so that help and verification load neither polars nor pydantic.
2. Whatever goes wrong is one paragraph on stderr and an exit code. There is no traceback, unless
   AUTOPSY_TRACEBACK=1 asks for it.
3. An interruption, by Ctrl-C or by a signal to end, is the same: what is half made is removed.
"""

from __future__ import annotations

import difflib
import importlib
import io
import json
import os
import signal
import sys
import traceback
from collections.abc import Sequence
from typing import TextIO

import click

from eval_autopsy import __version__, kernel
from eval_autopsy.cli.out import nobody_reads
from eval_autopsy.errors import AutopsyError, BadCase, CannotUse

VERBS = {
    "Look": {
        "look": "first",
        "slices": "look",
        "audit": "audit",
        "demo": "run",
    },
    "Investigate": {
        "init": "investigate",
        "run": "run",
        "next": "steps",
        "hypothesise": "steps",
        "ablate": "cause",
        "stress": "cause",
        "shrink": "smallest",
        "guards": "guards",
        "investigate": "headless",
    },
    "Prove": {
        "claims": "claims",
        "narrate": "prose",
        "certify": "prose",
        "verify": "prove",
    },
    "Extend": {
        "formats": "extend",
        "features": "extend",
        "scorers": "extend",
        "perturbations": "extend",
        "doctor": "doctor",
    },
}
MODULES = {name: module for verbs in VERBS.values() for name, module in verbs.items()}

TRACEBACK = "AUTOPSY_TRACEBACK"
WIDTH = 88  # of a help page

EPILOG = f"""\b
Exit codes:
  0    it holds, or the work was done
  1    what was checked does not hold
  2    it could not be checked, or the input cannot be used
  130  interrupted; nothing is lost

\b
A verb without a path uses the case in the current folder. An error is one paragraph on
stderr; with --json also {{"error": {{...}}}} on stdout. {TRACEBACK}=1 adds the traceback.
"""


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
        if args[0] in MODULES:
            return super().resolve_command(ctx, args)
        if not looks_like_path(args[0]):
            raise no_verb(args[0])
        return "look", self.get_command(ctx, "look"), args

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        for group, names in VERBS.items():
            commands = [(name, self.get_command(ctx, name)) for name in names]
            with formatter.section(group):
                rows = [(name, verb.get_short_help_str(70)) for name, verb in commands if verb]
                formatter.write_dl(rows)


def looks_like_path(word: str) -> bool:
    """Whether a word is meant for a path: it is one, or no verb could be written so."""
    return os.path.exists(word) or (any(sign in word for sign in "./\\") and word[:1] != "-")


def no_verb(word: str) -> BadCase:
    """What to say of a word that is no verb."""
    near = difflib.get_close_matches(word, MODULES, n=1)
    remedy = f"did you mean {near[0]}?" if near else "run `autopsy --help` for the verbs"
    return BadCase(f"there is no verb {word!r}, and no such file", remedy=remedy)


@click.group(
    cls=Verbs,
    epilog=EPILOG,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": WIDTH},
)
@click.version_option(__version__, prog_name="autopsy", message="%(prog)s %(version)s")
@click.pass_context
def autopsy(ctx: click.Context) -> None:
    """Finds out what an average score hides, and writes a receipt that proves itself.

    \b
    Start with one of
      autopsy FOLDER              the first screen: what is there, and what it says
      autopsy demo                the whole of it, on an example that comes along
      autopsy init FOLDER         on data of your own: proposes a case
      autopsy slices FOLDER       where production is wrong
      autopsy run FOLDER          the receipt
      autopsy verify RECEIPT      whether a receipt holds
    """
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command and returns its exit code.

    Without `arguments` it is the program itself, and takes over its streams and signals.
    """
    if arguments is None:
        _own_the_process()
    given = list(sys.argv[1:] if arguments is None else arguments)
    code = 0
    try:
        code = _run(given)
        sys.stdout.flush()
    except BrokenPipeError:
        nobody_reads(sys.stdout)
    except KeyboardInterrupt:
        _try_to_print("interrupted: what was there before is as it was.\n", sys.stderr)
        return 130
    except Exception as error:  # noqa: BLE001  the one place where everything is caught
        if os.environ.get(TRACEBACK):
            traceback.print_exception(error)
        return explain(paragraph(error), "--json" in given)
    return code


def _run(given: list[str]) -> int:
    try:
        with autopsy.make_context("autopsy", given) as ctx:
            return int(autopsy.invoke(ctx) or 0)
    except click.exceptions.Exit as leaving:
        return leaving.exit_code


def paragraph(error: Exception) -> AutopsyError:
    """An error as what went wrong, where, and what to do."""
    if isinstance(error, AutopsyError):
        return error
    if isinstance(error, kernel.Unreadable):
        return CannotUse(error.what, where=error.where, remedy=error.remedy)
    if isinstance(error, click.ClickException):
        return usage(error)
    if isinstance(error, OSError) and error.strerror:
        where = " -> ".join(str(name) for name in (error.filename, error.filename2) if name)
        remedy = "check the path, who may write there, and the space that is left"
        return CannotUse(f"the system says: {error.strerror}", where=where, remedy=remedy)
    if isinstance(error, MemoryError):
        return CannotUse("there is not enough memory", remedy="give it more, or less data")
    what = f"{type(error).__name__}: {error}"
    remedy = f"this is a fault of autopsy: report it, with what {TRACEBACK}=1 prints"
    return CannotUse(what, remedy=remedy)


def usage(error: click.ClickException) -> BadCase:
    """A mistake in the words of a command line."""
    context = error.ctx if isinstance(error, click.UsageError) else None
    remedy = f"see `{context.command_path} --help`" if context else ""
    what = error.format_message().rstrip(".")
    if isinstance(error, click.NoSuchOption):
        what = f"there is no option {error.option_name}"
        if error.possibilities:
            remedy = f"did you mean {error.possibilities[0]}? Or {remedy}"
        if context is not None and context.parent is None:
            remedy = "options come after the verb"
    return BadCase(what[:1].lower() + what[1:], remedy=remedy)


def explain(error: AutopsyError, as_json: bool) -> int:
    """Says what went wrong, and returns the exit code for it."""
    _try_to_print(json.dumps({"error": error.to_dict()}) + "\n" if as_json else "", sys.stdout)
    _try_to_print(kernel.visible(str(error)) + "\n", sys.stderr)
    return error.exit_code


def _try_to_print(text: str, stream: TextIO) -> None:
    """Writes what can still be written: the stream itself may be what does not work."""
    try:
        stream.write(text)
        stream.flush()
    except OSError:
        nobody_reads(stream)


def _own_the_process() -> None:
    """Makes every character printable, and every signal to end an interruption."""
    for name in ("stdin", "stdout", "stderr"):
        if getattr(sys, name) is None:  # closed by whoever started us
            setattr(sys, name, open(os.devnull, "r+", encoding="utf-8"))  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _interrupt)


def _interrupt(number: int, frame: object) -> None:
    """Ends the work in an orderly way; a second signal does not cut the tidying short."""
    signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt
