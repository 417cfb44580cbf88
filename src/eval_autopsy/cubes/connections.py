"""A table by its URL: `duckdb:///path/to/file.db?table=runs`.

1. The URL is one that Ibis connects to, with the table's name as `table`; `table=schema.name` names
   one of another schema.
2. A user, a password and options are nobody's business: they are in no error, and in no receipt.
3. A DuckDB file is opened for reading, and what it holds can reach no other file, no network and no
   extension. A file that is not there is not made.
"""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, parse_qsl, unquote_plus, urlencode, urlsplit
from weakref import WeakValueDictionary

from eval_autopsy.errors import AutopsyError, BadCase, CannotRead, CannotUse

EXAMPLE = "duckdb:///path/to/file.db?table=runs"
FILES = ("duckdb", "sqlite")  # engines whose database is a file
NAMES_SHOWN = 20
HIDDEN = "***"
WORD = 6  # letters of what may well stand within another word
_OPEN: WeakValueDictionary[str, Any] = WeakValueDictionary()  # by the path of the file
LOCKED = {
    "enable_external_access": False,
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
    "allow_community_extensions": False,
}


def table_at(url: str, folder: Path = Path()) -> Any:
    """The ibis table that a URL names; a file is looked for from a folder.

    Raises BadCase for what is no such URL, CannotUse when ibis or the engine's driver is not
    installed, and CannotRead when there is no such database or table.
    """
    parts = urlsplit(url)
    options = dict(parse_qsl(parts.query))
    name = options.pop("table", "")
    # A plain path would be given to DuckDB's readers of files, whatever it is.
    if "://" not in url or parts.scheme == "file" or not name:
        said = shown(parts) if "://" in url else url
        what = f"{said!r} does not name a table, expected a URL such as {EXAMPLE}"
        raise BadCase(what, remedy="put ?table=NAME at its end; a data file needs no --table")
    with no_secrets(url):
        return _table_named(name, parts, _connected(parts, options, folder))


def _table_named(name: str, parts: SplitResult, connection: Any) -> Any:
    schema, _, last = name.rpartition(".")
    try:
        known = connection.list_tables(database=schema or None)
        if last in known:
            return connection.table(last, database=schema or None)
    except Exception as error:
        raise CannotRead(_first_line(error), where=shown(parts), remedy="check the name") from error
    near = difflib.get_close_matches(last, known, n=1)
    listed = ", ".join(known[:NAMES_SHOWN]) or "none"
    remedy = f"did you mean {near[0]!r}?" if near else "name one of them"
    what = f"there is no table {last!r} among: {listed}"
    raise CannotRead(what, where=shown(parts), remedy=remedy)


def shown(parts: SplitResult) -> str:
    """A URL without what may be secret: the user, the password and the options."""
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


def name_of(url: str) -> str:
    """What a receipt calls a table: its URL without what may be secret."""
    parts = urlsplit(url)
    return f"{shown(parts)}?table={dict(parse_qsl(parts.query)).get('table', '')}"


@contextmanager
def no_secrets(url: str) -> Iterator[None]:
    """Keeps the user, the password and the options of a URL out of every error."""
    try:
        yield
    except Exception as error:
        texts = [str(one) for one in _chain(error)]
        if all(_hidden(url, text) == text for text in texts):
            raise
        if not isinstance(error, AutopsyError):
            where, remedy = shown(urlsplit(url)), "connect in Python, to see what is wrong"
            raise CannotRead(_hidden(url, _first_line(error)), where=where, remedy=remedy) from None
        parts = (_hidden(url, text) for text in (error.what, error.where, error.remedy))
        what, where, remedy = parts
        raise type(error)(what, where=where, remedy=remedy) from None


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _secrets(url: str) -> list[str]:
    """The texts of a URL that are not to be shown, the longest first."""
    parts = urlsplit(url)
    user, _, password = parts.netloc.rpartition("@")[0].partition(":")
    pairs = (one.partition("=") for one in parts.query.split("&"))
    found = {user, password, *(value for name, _, value in pairs if name != "table")}
    return sorted({*found, *map(unquote_plus, found)} - {""}, key=len, reverse=True)


def _hidden(url: str, text: str) -> str:
    """A text without what is not to be shown; short words are left within longer ones."""
    for secret in _secrets(url):
        ends = (r"(?<!\w)", r"(?!\w)") if len(secret) < WORD else ("", "")
        text = re.sub(re.escape(secret).join(ends), HIDDEN, text)
    return text


def _connected(parts: SplitResult, options: dict[str, str], folder: Path) -> Any:
    try:
        import ibis
    except ImportError:
        what = "--table counts through Ibis, which is not installed"
        remedy = "install it with `pip install 'eval-autopsy[warehouse]'`, and run that `autopsy`"
        raise CannotUse(what, remedy=remedy) from None
    if parts.scheme in FILES:
        where = os.path.join(folder, parts.netloc + parts.path)
        if not os.path.isfile(where):
            raise CannotRead("there is no such file", where=where, remedy="check the path")
        if parts.scheme == "duckdb":
            return _duckdb(where, options)
        parts = parts._replace(netloc=os.path.abspath(where), path="")
    try:
        return ibis.connect(parts._replace(query=urlencode(options)).geturl())
    except ImportError as error:
        what = f"the engine's driver is not installed: {_first_line(error)}"
        remedy = f"install it with `pip install 'ibis-framework[{parts.scheme}]'`"
        raise CannotUse(what, where=shown(parts), remedy=remedy) from None
    except Exception as error:  # noqa: BLE001  each engine has errors of its own
        remedy = "check the URL, or connect in Python and give the table to autopsy.open"
        raise CannotRead(_first_line(error), where=shown(parts), remedy=remedy) from None


def _duckdb(where: str, options: dict[str, str]) -> Any:
    import ibis

    if options:
        what = f"--table has the options {', '.join(options)}, and a DuckDB file takes none"
        raise BadCase(what, remedy="take them out")
    path = os.path.realpath(where)
    if path in _OPEN:  # DuckDB has a file open once in a process, and what is locked stays so
        return _OPEN[path]
    try:
        connection = ibis.duckdb.connect(path, read_only=True, **LOCKED)
        connection.raw_sql("SET lock_configuration = true")
    except Exception as error:
        remedy = "check that it is a DuckDB database that nobody is writing to"
        raise CannotRead(_first_line(error), where=where, remedy=remedy) from error
    _OPEN[path] = connection
    return connection


def _first_line(error: Exception) -> str:
    said = (str(error).strip() or type(error).__name__).splitlines()[0][:300].rstrip(".")
    return f"the engine says: {said}"
