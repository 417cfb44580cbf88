"""Whether a production system would let an output through.

A guard is asked about outputs alone: a call that failed gave none, and is stopped by
`no_exception` if by anything. What the kernel can apply again, it does, on code of its own. The
verdicts of the others are stored, and claims that rest on them say `given`.
"""

from eval_autopsy.guards import checks, schemas
from eval_autopsy.guards.checks import Guard

__all__ = ["Guard", "checks", "schemas"]
