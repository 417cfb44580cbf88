"""Which formats a record looks most like that no reader takes for one of its own."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping

from eval_autopsy.case.roles import plain, words

# Keys that stand at the top of a file or a record of each format.
KEYS: Mapping[str, tuple[str, ...]] = {
    "plain records": words("id input output expected score prompt response label prediction"),
    "Inspect AI": words("version status eval plan results stats samples"),
    "promptfoo": words("eval_id results prompts grading_result test_case prompt_idx vars success"),
    "lm-evaluation-harness": words("doc_id doc target arguments resps filtered_resps doc_hash"),
    "OpenAI evals": words("spec final_report run_id event_id sample_id type data created_by"),
    "DeepEval": words("test_cases metrics_scores actual_output expected_output metrics_data"),
    "LangSmith": words("run example evaluation_results inputs outputs run_type dotted_order"),
    "Langfuse": words("trace_id usage_details cost_details observation_id start_time level"),
    "Phoenix": words("context span_kind parent_id status_code attributes start_time end_time"),
    "OpenTelemetry": words("resource_spans scope_spans trace_id span_id attributes kind"),
    "Braintrust": words(
        "input output expected scores metadata span_id root_span_id span_attributes"
    ),
    "MLflow": words("trace_id request response state columns data tags"),
    "tau-bench": words("task_id reward info traj trial simulations"),
    "SWE-bench": words("instance_id model_patch model_name_or_path resolved_ids tests_status"),
    "BFCL": words("id result latency input_token_count accuracy correct_count total_count"),
    "AgentDojo": words("suite_name user_task_id injection_task_id utility security messages"),
}
SHOWN = 3


def nearest_formats(keys: Iterable[str]) -> list[str]:
    """The formats that share most keys with a record, or have keys most like its own; SHOWN."""
    names = {plain(key) for key in keys}

    def likeness(format_name: str) -> tuple[int, float]:
        known = KEYS[format_name]
        alike = sum(bool(difflib.get_close_matches(name, known, n=1, cutoff=0.8)) for name in names)
        return len(names & {*known}), alike / len(known)

    return sorted(KEYS, key=likeness, reverse=True)[:SHOWN]
