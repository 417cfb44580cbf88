"""The options that describe data without a case, the same ones for each verb that reads data."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from eval_autopsy.api import Autopsy

FILE = click.Path(path_type=Path)
FILES = {"eval": "A file of eval records.", "production": "A file of production records."}
COLUMNS = {
    "split": "Says which set a record is of.",
    "id": "Identifies a record.",
    "correct": "A recorded score, true or false, or graded.",
    "output": "A recorded output, to compare.",
    "expected": "What the output should be.",
    "cluster": "Records that belong together.",
    "confidence": "From 0 to 1.",
    "time": "When it happened.",
}
Verb = TypeVar("Verb", bound=Callable[..., Any])


def data_options(
    *, without: tuple[str, ...] = (), scorer: str = "Compares them"
) -> Callable[[Verb], Verb]:
    """The options of a verb that reads data: `said` of its function, but those left out.

    `scorer` is what --scorer does there.
    """
    options = [
        click.option(f"--{name}", f"{name}_", type=FILE, multiple=True, help=text)
        for name, text in FILES.items()
    ]
    options += [
        click.option(f"--{name}", f"{name}_", default="", metavar="COLUMN", help=text)
        for name, text in COLUMNS.items()
        if name not in without
    ]
    text = "The least graded score that is right."
    options.append(click.option("--threshold", "threshold_", default="", metavar="X", help=text))
    text = f"{scorer}; else exact_match."
    options.append(click.option("--scorer", "scorer_", default="", metavar="NAME", help=text))

    def with_options(verb: Verb) -> Verb:
        for option in reversed(options):
            verb = option(verb)
        return verb

    return with_options


def described(said: dict[str, Any]) -> dict[str, Any]:
    """The options as `autopsy.open` takes them."""
    return {name.removesuffix("_"): value for name, value in said.items()}


def studied(paths: tuple[Path, ...], said: dict[str, Any]) -> Autopsy:
    """What some paths and options describe. Without either it is what the current folder holds."""
    from eval_autopsy import api

    named = described(said)
    here = () if any(named.values()) else (Path(),)
    study: Autopsy = api.open(*(paths or here), **named)
    return study
