"""Finds out what an average score hides, and writes a receipt that proves itself.

`look` at whatever lies somewhere. `open` a case, or data without one; ask it for `slices`; `run` it
to a receipt; `verify` that. See `eval_autopsy.api`. `Investigation` takes a case through its steps.
`feature` adds an attribute to slice by, `perturbation` a change to vary inputs with. Nothing is
loaded before it is used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from eval_autopsy.api import Autopsy as Autopsy
    from eval_autopsy.api import open as open  # noqa: A004  it is called as autopsy.open
    from eval_autopsy.first_screen import look as look
    from eval_autopsy.investigation.by_hand import Investigation as Investigation
    from eval_autopsy.receipt.verify import verify as verify
    from eval_autopsy.registry import feature as feature
    from eval_autopsy.registry import perturbation as perturbation

__version__ = "0.1.0"
__all__ = [
    "Autopsy",
    "Investigation",
    "__version__",
    "feature",
    "look",
    "open",
    "perturbation",
    "verify",
]

_HOMES = {"Autopsy": "api", "feature": "registry", "open": "api", "perturbation": "registry"}
_HOMES |= {"look": "first_screen", "verify": "receipt.verify"}
_HOMES |= {"Investigation": "investigation.by_hand"}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return [*__all__, *(name for name in globals() if name.startswith("__"))]
