"""A prompt for Claude; what needs the extra `claude` is in `prompt.py`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from eval_autopsy import registry
from eval_autopsy.case.load import Case
from eval_autopsy.case.model import Claude
from eval_autopsy.case.model import System as Bounds
from eval_autopsy.errors import CannotRun
from eval_autopsy.systems.batches import Batch
from eval_autopsy.systems.kinds import System, bounds_of, digests_of, installed


@registry.system("claude")
@contextmanager
def claude(case: Case) -> Iterator[System]:
    """A prompt for a model of Anthropic's, as [system.claude] describes."""
    bounds = case.file.system
    if bounds is None or bounds.claude is None:
        raise CannotRun("the case names no prompt", where=str(case.path))
    installed("anthropic", "claude")
    from eval_autopsy.systems.network import Line, connected
    from eval_autopsy.systems.prompt import Prompt

    says = bounds.claude
    what = ("model", "messages", "system", "tools", "max_tokens", "options", "output", "base_url")
    identity = {
        "kind": "claude",
        **{name: as_json(getattr(says, name)) for name in what},
        "files": digests_of(case),
        "bounds": bounds_of(bounds),
    }
    with connected(bounds, says.allow_private) as (loop, client), batches_of(bounds, says) as batch:
        prompt = Prompt(says, bounds, client)
        yield System(
            identity=identity,
            worker=lambda: Line(loop, prompt.attempt, bounds),
            most=prompt.most,
            batch=batch,
        )


@contextmanager
def batches_of(bounds: Bounds, says: Claude) -> Iterator[Batch | None]:
    """The batches of a prompt, over a line of their own as their answers come in one; None when
    the case does not ask for them."""
    if not says.batch:
        yield None
        return
    from eval_autopsy.systems.network import connected
    from eval_autopsy.systems.prompt import Prompt
    from eval_autopsy.systems.prompt_batch import RESULTS, PromptBatch

    roomy = bounds.model_copy(update={"output_limit": RESULTS})
    with connected(roomy, says.allow_private) as (loop, client):
        yield PromptBatch(Prompt(says, bounds, client), loop, bounds, says.batch_wait)


def as_json(value: object) -> object:
    """A value of the case file as JSON has it."""
    return list(value) if isinstance(value, tuple) else value
