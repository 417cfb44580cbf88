"""Evaluates test cases with DeepEval and a metric of our own; prints its own figures.

python write_deepeval.py FOLDER writes the test run into the folder. Run by test_round_trips.py in
an environment that has DeepEval.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

RECORDS = 20


def main(folder: str) -> None:
    os.environ |= {"DEEPEVAL_RESULTS_FOLDER": folder, "DEEPEVAL_TELEMETRY_OPT_OUT": "1"}
    os.chdir(folder)
    from deepeval import evaluate
    from deepeval.evaluate.configs import AsyncConfig, DisplayConfig
    from deepeval.metrics import BaseMetric
    from deepeval.test_case import LLMTestCase

    class Same(BaseMetric):
        """Whether the answer is the one that was expected."""

        threshold = 1.0
        async_mode = False

        def measure(self, test_case: LLMTestCase, *args: Any, **more: Any) -> float:
            self.score = float(test_case.actual_output == test_case.expected_output)
            self.success = self.score >= self.threshold
            self.reason = "the same" if self.success else "not the same"
            return self.score

        async def a_measure(self, test_case: LLMTestCase, *args: Any, **more: Any) -> float:
            return self.measure(test_case)

        def is_successful(self) -> bool:
            return self.success

        @property
        def __name__(self) -> str:
            return "Same"

    cases = [
        LLMTestCase(
            name=f"T{n}",
            input=f"Twice {n}",
            actual_output="wrong" if n % 5 == 0 else str(2 * n),
            expected_output=str(2 * n),
        )
        for n in range(RECORDS)
    ]
    result = evaluate(
        test_cases=cases,
        metrics=[Same()],
        async_config=AsyncConfig(run_async=False),
        display_config=DisplayConfig(show_indicator=False, print_results=False),
    )
    (log,) = Path(folder).glob("*.json")
    print(
        json.dumps(
            {
                "location": str(log),
                "samples": len(result.test_results),
                "right": sum(one.success for one in result.test_results),
                "wrong": sorted(one.input for one in result.test_results if not one.success),
            }
        )
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
