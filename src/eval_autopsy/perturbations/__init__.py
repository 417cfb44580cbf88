"""Changes of one thing in an input, each with what it holds constant.

A change whose right answer is known is a metamorphic relation: the system is right before and
after, or the change is a cause. Sources: Chen, Cheung and Yiu 1998 (metamorphic testing); Ribeiro,
Wu, Guestrin and Singh 2020 (CheckList); Dhole et al. 2021 (NL-Augmenter).
"""

from eval_autopsy.perturbations import (
    examples,
    formats,
    labels,
    layout,
    letters,
    messages,
    order,
    spaces,
)

__all__ = ["examples", "formats", "labels", "layout", "letters", "messages", "order", "spaces"]
