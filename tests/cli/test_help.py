from __future__ import annotations

import re
import shlex

import click
import pytest

from eval_autopsy.cli.main import MODULES, autopsy

from .conftest import Call


def command(name: str) -> click.Command:
    found = autopsy.get_command(click.Context(autopsy), name)
    assert found is not None
    return found


def examples(text: str) -> list[list[str]]:
    """The words of each example of a help page, up to what the shell makes of them."""
    lines = text.partition("Examples:\n")[2].partition("\n\n")[0].splitlines()
    return [shlex.split(re.split(r" (?:\||&&) ", line)[0]) for line in lines]


@pytest.mark.parametrize("verb", MODULES)
def test_the_help_of_a_verb_has_an_example_that_can_be_typed(verb: str, call: Call) -> None:
    found = examples(call(verb, "--help").out)
    assert found
    for program, name, *arguments in found:
        assert (program, name) == ("autopsy", verb)
        command(verb).make_context(verb, arguments)  # which raises for what it does not take


@pytest.mark.parametrize("verb", MODULES)
def test_the_help_of_a_verb_says_what_it_reads_and_writes_and_how_it_exits(
    verb: str, call: Call
) -> None:
    said = call(verb, "--help")
    assert said.code == 0
    for word in ("Reads  ", "Writes  ", "Exits  "):
        assert f"  {word}" in said.out


@pytest.mark.parametrize("verb", MODULES)
def test_every_verb_takes_the_options_of_every_verb(verb: str, call: Call) -> None:
    page = call(verb, "--help").out
    for option in ("--json", "--quiet", "--no-color", "--seed"):
        assert option in page


@pytest.mark.parametrize("verb", MODULES)
def test_the_list_of_verbs_cuts_no_sentence(verb: str) -> None:
    assert command(verb).get_short_help_str(70).endswith(".")
    assert not command(verb).get_short_help_str(70).endswith("...")


def test_help_lists_the_verbs_in_the_order_of_use_and_the_exit_codes(call: Call) -> None:
    page = call("--help").out
    places = [page.index(f"\n  {verb} ") for verb in MODULES]
    assert places == sorted(places)
    for code in ("0 ", "1 ", "2 ", "130 "):
        assert f"\n    {code}" in page


def test_without_a_verb_the_help_is_shown(call: Call) -> None:
    assert call() == call("--help")
    assert call().code == 0


def test_the_version_is_said(call: Call) -> None:
    assert call("--version").out == "autopsy 0.1.0\n"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["slcies"], "there is no verb 'slcies', and no such file. Did you mean slices?\n"),
        (["xyz"], "there is no verb 'xyz', and no such file. Run `autopsy --help` for"),
        (["logs/xyz"], "logs/xyz: there is no such file. Check the folder: logs is not there.\n"),
        (["slices", "--tpo", "3"], "there is no option --tpo. Did you mean --top?"),
        (["--json", "slices"], "there is no option --json. Options come after the verb.\n"),
        (["demo", "more"], "got unexpected extra argument (more). See `autopsy demo --help`.\n"),
        (["slices", "--by", "a,,b"], "--by is 'a,,b', expected names with commas between them."),
        (["run", "--seed", "-1"], "invalid value for '--seed': -1 is not in the range"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_mistake_in_the_words_gets_a_remedy(words: list[str], said: str, call: Call) -> None:
    done = call(*words)
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith(said)
    assert done.err.count("\n") == 1


def test_a_path_in_place_of_a_verb_gives_the_first_screen(call: Call, case: object) -> None:
    assert call("case").out.startswith("2 files · 800 records")
