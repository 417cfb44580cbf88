"""Rates of small slices drawn towards the rate of all, to rank slices by. They are never stated."""

from __future__ import annotations

from collections.abc import Sequence

from eval_autopsy import kernel

NEARLY_ALL = 1 - 1e-9  # of the variance lies between slices: nothing is drawn anywhere


def shrunk_rates(counts: Sequence[tuple[int, int]]) -> list[float]:
    """The rate of each slice, from its k of n, under a beta prior that fits all of them.

    A slice of no records has the rate of all. Raises Undefined when no slice has a record. Source:
    Kleinman 1973, JASA 68:46, the moment estimator with weights n.

    >>> [round(rate, 3) for rate in shrunk_rates([(48, 50), (45, 50), (12, 20), (0, 2)])]
    [0.956, 0.899, 0.623, 0.423]
    """
    if not counts:
        return []
    mean = float(kernel.ratio(sum(k for k, _ in counts), sum(n for _, n in counts)))
    alike = likeness(counts, mean)
    if alike == 0:
        return [mean] * len(counts)
    prior = (1 - alike) / alike  # as many records as the prior is worth
    return [(k + mean * prior) / (n + prior) for k, n in counts]


def likeness(counts: Sequence[tuple[int, int]], mean: float) -> float:
    """How alike two records of a slice are, from 0 to just under 1: the rho of the beta prior."""
    sizes = [n for _, n in counts if n]
    total, free = sum(sizes), len(sizes) - 1
    room = total - sum(n * n for n in sizes) / total - free
    if mean in (0, 1) or room <= 0:
        return 0.0
    spread = sum(n * (k / n - mean) ** 2 for k, n in counts if n)
    return min(NEARLY_ALL, max(0.0, (spread / (mean * (1 - mean)) - free) / room))
