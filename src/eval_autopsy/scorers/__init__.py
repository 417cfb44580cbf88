"""Whether an output is right, on other code than the kernel's, so that each can catch the other."""

from eval_autopsy.scorers import amounts, exact, recorded

__all__ = ["amounts", "exact", "recorded"]
