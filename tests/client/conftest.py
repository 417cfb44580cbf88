"""Leaves the real client out where it cannot be had, and says so in the warnings of the run."""

from __future__ import annotations

import os
import shutil
import warnings

from .real_client import NoClientError, executable


def _reason() -> str:
    """Why the client cannot be had here; empty when it can."""
    try:
        executable()
    except NoClientError as reason:
        return str(reason)
    return ""


def _must_be_there() -> bool:
    """Whether a client that is not there is a failure: in CI, where there is npm to get it."""
    return os.environ.get("CI") == "true" and shutil.which("npm") is not None


collect_ignore: list[str] = []

if (reason := _reason()) and not _must_be_there():
    collect_ignore += ["test_evals.py", "test_in_the_real_client.py", "test_life_of_the_plugin.py"]
    # A warning, since that is what reaches the terminal from the workers of a parallel run.
    warnings.filterwarnings("always", "The plugin was not tried")
    warnings.warn(f"The plugin was not tried in the real client: {reason}.", stacklevel=1)
