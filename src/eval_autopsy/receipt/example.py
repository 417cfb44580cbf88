"""The example that comes with the package, put where its receipt can be made."""

from __future__ import annotations

import shutil
from pathlib import Path

from eval_autopsy.errors import CannotUse

PACKAGE = Path(__file__).parents[1]


def unpacked(name: str, into: Path) -> Path:
    """The folder of an example below `into`, copied there unless it is there already."""
    place = into / name
    if place.exists():
        return place
    # In a wheel the examples lie in the package, in a checkout beside src.
    for home in (PACKAGE / "examples", PACKAGE.parents[1] / "examples"):
        if (home / name).is_dir():
            part = into / f".{name}-part"
            shutil.rmtree(part, ignore_errors=True)
            shutil.copytree(home / name, part, ignore=shutil.ignore_patterns("__pycache__"))
            for path in [part, *part.rglob("*")]:
                path.chmod(0o755 if path.is_dir() else 0o644)  # a plugin may be read-only
            part.rename(place)
            return place
    raise CannotUse(f"the example {name!r} is not installed", remedy="install the package again")
