from __future__ import annotations

from cubes.conftest import a_scorer_that_the_kernel_cannot_run

__all__ = ["a_scorer_that_the_kernel_cannot_run"]
