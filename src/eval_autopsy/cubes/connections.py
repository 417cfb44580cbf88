"""A table by its URL: `duckdb:///path/to/file.db?table=runs`.

1. The URL is one that Ibis connects to, with the table's name as `table`; `table=schema.name` names
   one of another schema.
2. A DuckDB file is opened for reading, and what it holds can reach no other file, no network and no
   extension. A file that is not there is not made.
"""

from __future__ import annotations

import difflib
import os
from typing import Any
from urllib.parse import SplitResult, parse_qsl, urlencode, urlsplit

from eval_autopsy.errors import BadCase, CannotRead, CannotUse

EXAMPLE = "duckdb:///path/to/file.db?table=runs"
FILES = ("duckdb", "sqlite")  # engines whose database is a file
NAMES_SHOWN = 20
LOCKED = {
    "enable_external_access": False,
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
    "allow_community_extensions": False,
}


def table_at(url: str) -> Any:
    """The ibis table that a URL names.

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
    connection = _connected(parts, options)
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


def _connected(parts: SplitResult, options: dict[str, str]) -> Any:
    try:
        import ibis
    except ImportError:
        what = "--table counts through Ibis, which is not installed"
        remedy = "install it with `pip install 'eval-autopsy[warehouse]'`, and run that `autopsy`"
        raise CannotUse(what, remedy=remedy) from None
    if parts.scheme in FILES and not os.path.isfile(parts.netloc + parts.path):
        where = parts.netloc + parts.path
        raise CannotRead("there is no such file", where=where, remedy="check the path")
    if parts.scheme == "duckdb":
        return _duckdb(parts, options)
    try:
        return ibis.connect(parts._replace(query=urlencode(options)).geturl())
    except ImportError as error:
        what = f"the engine's driver is not installed: {_first_line(error)}"
        remedy = f"install it with `pip install 'ibis-framework[{parts.scheme}]'`"
        raise CannotUse(what, where=shown(parts), remedy=remedy) from None
    except Exception as error:  # noqa: BLE001  each engine has errors of its own
        remedy = "check the URL, or connect in Python and give the table to autopsy.open"
        said = _first_line(error).replace(parts.netloc, parts.netloc.rpartition("@")[2])
        raise CannotRead(said, where=shown(parts), remedy=remedy) from None


def _duckdb(parts: SplitResult, options: dict[str, str]) -> Any:
    import ibis

    if options:
        what = f"--table has the options {', '.join(options)}, and a DuckDB file takes none"
        raise BadCase(what, remedy="take them out")
    where = parts.netloc + parts.path
    try:
        connection = ibis.duckdb.connect(os.path.abspath(where), read_only=True, **LOCKED)
        connection.raw_sql("SET lock_configuration = true")
    except Exception as error:
        remedy = "check that it is a DuckDB database that nobody is writing to"
        raise CannotRead(_first_line(error), where=where, remedy=remedy) from error
    return connection


def _first_line(error: Exception) -> str:
    said = (str(error).strip() or type(error).__name__).splitlines()[0][:300].rstrip(".")
    return f"the engine says: {said}"
