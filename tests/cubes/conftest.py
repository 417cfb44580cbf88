from __future__ import annotations

from collections.abc import Iterator

import pytest

from eval_autopsy import registry

from .at_random import as_long


@pytest.fixture(autouse=True, scope="package")
def a_scorer_that_the_kernel_cannot_run() -> Iterator[None]:
    """The scorer "as_long", for the tests of this folder only."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(registry.scorers, "_entries", {**registry.scorers._entries})
        registry.scorer("as_long")(as_long)
        yield
