"""Two kinds of tests: those that need Ibis, and the one that starts them where it is.

Without Ibis the first kind is left out; with it the second is. What cannot be tried here is said in
the warnings of the run.
"""

from __future__ import annotations

import os
import shutil
import warnings
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from .environment import NoEnvironmentError, python

HERE = Path(__file__).parent
INSIDE = find_spec("ibis") is not None
STARTER = "test_in_its_environment.py"
NEED_IBIS = ["test_cubes.py", "test_connections.py", "test_refusals.py"]
NEED_IBIS += ["test_receipts.py", "test_search.py", "test_tables.py"]
JAVA = shutil.which("java") is not None


def _reason() -> str:
    """Why the environment cannot be had here; empty when it can."""
    try:
        python()
    except NoEnvironmentError as reason:
        return str(reason)
    return ""


def _say(what: str) -> None:
    # A warning, since that is what reaches the terminal from the workers of a parallel run.
    warnings.filterwarnings("always", "Warehouses were not|Spark was not")
    warnings.warn(what, stacklevel=2)


collect_ignore: list[str] = [STARTER] if INSIDE else [*NEED_IBIS]

if not INSIDE:
    if (reason := _reason()) and os.environ.get("CI") != "true":
        collect_ignore.append(STARTER)
        _say(f"Warehouses were not tried: {reason}.")
    if not JAVA:
        _say("Spark was not tried: Java is not installed.")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Lets Ibis call what DuckDB and Spark will one day take away."""
    for item in items:
        if item.path.parent == HERE:
            item.add_marker(pytest.mark.filterwarnings("ignore::DeprecationWarning"))


@pytest.fixture(scope="session")
def spark() -> Iterator[Any]:
    """Spark on this machine alone, without a page of its own."""
    if not JAVA:
        pytest.skip("Java is not installed")
    os.environ["SPARK_LOCAL_IP"] = "127.0.0.1"
    from pyspark.sql import SparkSession

    builder = SparkSession.builder.master("local[2]")
    for name, value in {
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.host": "127.0.0.1",
        "spark.sql.execution.arrow.pyspark.enabled": "true",
        "spark.sql.shuffle.partitions": "2",
        # Tables of a few rows: compiling each query would take longer than running it.
        "spark.sql.codegen.wholeStage": "false",
        "spark.sql.codegen.factoryMode": "NO_CODEGEN",
        "spark.sql.adaptive.enabled": "false",
        "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
        "spark.ui.enabled": "false",
    }.items():
        builder = builder.config(name, value)
    session = builder.getOrCreate()
    yield session
    session.stop()
