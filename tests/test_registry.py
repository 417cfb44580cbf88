"""The one door: names, help and packages, and what happens when two want the same name."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from eval_autopsy import registry
from eval_autopsy.errors import BadCase, CannotUse
from eval_autopsy.registry import Entry, Registry

Plugin = Callable[..., None]


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch) -> Registry[Callable[..., Any]]:
    """A registry of its own with one built-in, `ours`; its home package is an empty module."""
    monkeypatch.setitem(sys.modules, "eval_autopsy.gadgets", type(sys)("eval_autopsy.gadgets"))
    fresh: Registry[Callable[..., Any]] = Registry("gadgets")

    def ours() -> None:
        """What we bring."""

    ours.__module__ = "eval_autopsy.gadgets"
    fresh.register("ours")(ours)
    monkeypatch.setitem(sys.modules, "shop_for_tests", type(sys)("shop_for_tests"))
    sys.modules["shop_for_tests"].shop = fresh  # type: ignore[attr-defined]
    return fresh


@pytest.fixture
def plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Plugin]:
    """Installs a package with one entry point of the gadgets, and forgets it afterwards."""
    monkeypatch.syspath_prepend(tmp_path)
    before = set(sys.modules)

    def install(package: str, point: str, code: str) -> None:
        module = package.replace("-", "_")
        (tmp_path / f"{module}.py").write_text(code)
        info = tmp_path / f"{module}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[eval_autopsy.gadgets]\n{point} = {module}\n")

    yield install
    for name in set(sys.modules) - before:
        del sys.modules[name]


GOOD = '''
from shop_for_tests import shop

@shop.register("theirs")
def theirs():
    """What they bring.

    At length.
    """
    return "done by theirs"
'''


def test_ours_is_found_by_name(shop: Registry[Callable[..., Any]]) -> None:
    assert shop.get("ours").__name__ == "ours"
    assert [*shop] == ["ours"]


def test_a_listing_has_the_name_the_first_line_of_help_and_the_package(
    shop: Registry[Callable[..., Any]], plugin: Plugin
) -> None:
    plugin("acme-gadgets", "theirs", GOOD)
    assert [(e.name, e.help, e.package) for e in shop.describe()] == [
        ("ours", "What we bring.", "eval-autopsy"),
        ("theirs", "What they bring.", "acme-gadgets"),
    ]


def test_an_entry_point_runs_only_when_its_name_is_asked_for(
    shop: Registry[Callable[..., Any]], plugin: Plugin
) -> None:
    plugin("acme-gadgets", "theirs", GOOD)
    shop.get("ours")
    assert shop.names() == ["ours", "theirs"]
    assert "acme_gadgets" not in sys.modules
    assert shop.get("theirs")() == "done by theirs"
    assert "acme_gadgets" in sys.modules


def test_what_is_not_written_by_us_is_not_said_to_be_ours(
    shop: Registry[Callable[..., Any]],
) -> None:
    @shop.register("local")
    def local() -> None:
        """Somebody's own."""

    assert [e.package for e in shop.describe() if e.name == "local"] == [__name__.split(".")[0]]


def test_an_unknown_name_suggests_the_nearest_and_lists_all(
    shop: Registry[Callable[..., Any]], plugin: Plugin
) -> None:
    plugin("acme-gadgets", "theirs", GOOD)
    with pytest.raises(BadCase) as caught:
        shop.get("theris")
    assert str(caught.value) == (
        "there is no gadget 'theris'. Did you mean 'theirs'? Known are: ours, theirs."
    )


def test_a_name_entered_twice_is_an_error(shop: Registry[Callable[..., Any]]) -> None:
    def again() -> None:
        """Another."""

    with pytest.raises(CannotUse, match="the gadget 'ours' is registered by the package eval-au"):
        shop.register("ours")(again)


def test_an_entry_point_that_takes_our_name_is_an_error_before_it_runs(
    shop: Registry[Callable[..., Any]], plugin: Plugin
) -> None:
    plugin("acme-gadgets", "ours", "raise SystemExit('was run')")
    with pytest.raises(CannotUse) as caught:
        shop.get("ours")
    assert str(caught.value) == (
        "the gadget 'ours' is registered by the package eval-autopsy and by the package "
        "acme-gadgets. Rename one of them, or uninstall acme-gadgets."
    )


def test_two_packages_that_want_one_name_are_both_named(
    shop: Registry[Callable[..., Any]], plugin: Plugin
) -> None:
    plugin("acme-gadgets", "theirs", GOOD)
    plugin("bcme-gadgets", "theirs", GOOD)
    with pytest.raises(CannotUse) as caught:
        shop.names()
    assert {"acme-gadgets", "bcme-gadgets"} <= set(
        re.findall(r"[ab]cme-gadgets", caught.value.what)
    )


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("import nothing_of_that_name", "ModuleNotFoundError: No module named 'nothing_of"),
        ("1 / 0", "ZeroDivisionError"),
        ("raise SystemExit(3)", "SystemExit: 3"),
        ("def broken(:", "SyntaxError"),
    ],
)
def test_an_entry_point_that_does_not_load_names_its_package(
    shop: Registry[Callable[..., Any]], plugin: Plugin, code: str, said: str
) -> None:
    plugin("acme-gadgets", "theirs", code)
    with pytest.raises(CannotUse) as caught:
        shop.get("theirs")
    assert "of the package acme-gadgets does not load: " + said in caught.value.what
    assert caught.value.remedy == "repair or uninstall acme-gadgets"


def test_an_entry_point_that_registers_another_name_is_an_error(
    shop: Registry[Callable[..., Any]], plugin: Plugin
) -> None:
    plugin("acme-gadgets", "promised", GOOD)
    with pytest.raises(CannotUse, match="'promised' of the package acme-gadgets registers nothing"):
        shop.get("promised")


def test_a_thing_without_help_is_refused(shop: Registry[Callable[..., Any]]) -> None:
    def mute() -> None: ...

    with pytest.raises(CannotUse, match=r"the gadget .mute. of the package .* has no doc"):
        shop.register("mute")(mute)


def test_the_four_kinds_have_entry_point_groups_of_their_own() -> None:
    kinds: list[Registry[Any]] = [
        registry.readers,
        registry.scorers,
        registry.guards,
        registry.systems,
    ]
    assert [kind.group for kind in kinds] == [
        "eval_autopsy.readers",
        "eval_autopsy.scorers",
        "eval_autopsy.guards",
        "eval_autopsy.systems",
    ]


def test_an_entry_names_its_four_parts() -> None:
    assert Entry._fields == ("name", "value", "help", "package")


@pytest.mark.parametrize(
    "wrong", [{"relation": "stays"}, {"of": "image"}, {"name": "Not A Name"}], ids=str
)
def test_a_perturbation_that_says_what_cannot_be_is_refused(wrong: dict[str, str]) -> None:
    said = {"name": "one", "holds": "every word", **wrong}
    with pytest.raises(CannotUse, match=r"cannot be\s+registered") as caught:
        registry.perturbation(said.pop("name"), **said)  # type: ignore[arg-type]
    assert "relation='same' or 'changes'" in caught.value.remedy
    assert "one" not in registry.perturbations.names()
