"""Whether a production system would let an output through.

The first four are the kernel's own, so that a receipt can apply them again. The others need a
library or the user's code: their verdicts are stored, and claims that rest on them say `given`.
"""

from __future__ import annotations

import importlib.util
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from eval_autopsy import kernel
from eval_autopsy.errors import BadCase
from eval_autopsy.registry import guard

Guard = Callable[[object], bool]


def _of_kernel(
    rule: str, fields: Sequence[str] = (), patterns: Mapping[str, str] | None = None
) -> Guard:
    spec = {"rule": rule, "fields": list(fields), "patterns": dict(patterns or {})}
    return lambda output: kernel.lets_through(spec, output, None) is True


@guard("no_exception")
def no_exception() -> Guard:
    """The call did not fail."""
    return _of_kernel("no_exception")


@guard("parses")
def parses() -> Guard:
    """The output is JSON, where the case says that it should be."""
    return _of_kernel("parses")


@guard("not_blank")
def not_blank(fields: Sequence[str] = ()) -> Guard:
    """No part of the output, or none of the fields named, is null, empty or white space."""
    return _of_kernel("not_blank", fields)


@guard("matches")
def matches(patterns: Mapping[str, str]) -> Guard:
    """Each field named matches its regular expression from end to end."""
    return _of_kernel("matches", patterns=patterns)


@guard("json_schema")
def json_schema(path: Path) -> Guard:
    """The output is valid under a JSON Schema file."""
    import jsonschema

    try:
        schema = json.loads(path.read_bytes())
        kind = jsonschema.validators.validator_for(schema)
        kind.check_schema(schema)
    except (OSError, ValueError, jsonschema.SchemaError) as error:
        what = f"the JSON Schema cannot be used: {str(error).splitlines()[0]}"
        raise BadCase(what, where=str(path), remedy="repair it") from error
    validator = kind(schema)
    return lambda output: bool(validator.is_valid(plain(output)))


@guard("pydantic")
def pydantic_model(path: Path, name: str) -> Guard:
    """The output is valid under a pydantic model of the user's own file."""
    import pydantic

    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise BadCase("the file is not Python", where=str(path), remedy="name a .py file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    try:
        spec.loader.exec_module(module)
        adapter = pydantic.TypeAdapter(getattr(module, name))
    except Exception as error:
        what = f"{name} cannot be loaded: {type(error).__name__}: {error}"
        raise BadCase(what, where=str(path), remedy="import the file by hand") from error

    def valid(output: object) -> bool:
        try:
            adapter.validate_python(plain(output))
        except pydantic.ValidationError:
            return False
        return True

    return valid


def plain(value: object) -> Any:
    """A value of the kernel's reader as JSON's own types, with float in place of Decimal."""
    return None if value is kernel.MISSING else json.loads(kernel.canonical(value))
