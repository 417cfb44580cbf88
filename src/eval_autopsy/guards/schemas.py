"""Guards that need a library or the user's own code; their verdicts are stored in the receipt."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path

from eval_autopsy.errors import BadCase
from eval_autopsy.guards.checks import Guard
from eval_autopsy.kernel import MISSING, canonical
from eval_autopsy.registry import guard


@guard("json_schema")
def json_schema(path: Path) -> Guard:
    """The output is valid under a JSON Schema file."""
    import jsonschema
    from referencing import Registry

    try:
        schema = json.loads(path.read_bytes())
        kind = jsonschema.validators.validator_for(schema)
        kind.check_schema(schema)
    except (OSError, ValueError, jsonschema.SchemaError) as error:
        what = f"the JSON Schema cannot be used: {str(error).splitlines()[0]}"
        raise BadCase(what, where=str(path), remedy="repair it") from error
    # Without a registry of its own it would fetch what a $ref names from the network.
    validator = kind(schema, registry=Registry())
    return lambda output: (
        output is not MISSING and bool(validator.is_valid(json.loads(canonical(output))))
    )


@guard("pydantic")
def pydantic_model(path: Path, name: str) -> Guard:
    """The output is valid under a pydantic model of the user's own file."""
    import pydantic

    # A name of our own, so that a file json.py does not take the place of a module.
    spec = importlib.util.spec_from_file_location(f"autopsy_guard_{path.stem}", path)
    if spec is None or spec.loader is None:
        raise BadCase("the file is not Python", where=str(path), remedy="name a .py file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    try:
        spec.loader.exec_module(module)
        adapter = pydantic.TypeAdapter(getattr(module, name))
    except (Exception, SystemExit) as error:
        what = f"{name} cannot be loaded: {type(error).__name__}: {error}"
        raise BadCase(what, where=str(path), remedy="import the file by hand") from error

    def valid(output: object) -> bool:
        if output is MISSING:
            return False
        try:
            adapter.validate_json(canonical(output))
        except pydantic.ValidationError:
            return False
        return True

    return valid
