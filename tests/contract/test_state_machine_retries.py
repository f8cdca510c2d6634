"""What the state machine retries, and the errors that it names."""

from __future__ import annotations

import importlib
import inspect
import re
from typing import Any

import pytest

from tests.machine import MACHINE, STATES, TASKS, TEXT, snake
from workflow.contract import errors
from workflow.contract.retries import AWS_TRANSIENT, OUTAGE, retriers

LONGEST_FUNCTION_S = 900


def named_errors(state: dict[str, Any]) -> list[str]:
    return [name for retry in state.get("Retry", []) for name in retry["ErrorEquals"]]


def own_errors(state: dict[str, Any]) -> list[str]:
    return [name for name in named_errors(state) if name not in AWS_TRANSIENT]


@pytest.mark.parametrize("name", TASKS)
def test_each_task_retries_as_its_errors_say_and_aws_transient_ones_at_the_end(name: str) -> None:
    policies = {one: getattr(errors, one).retry for one in own_errors(TASKS[name])}
    assert None not in policies.values()
    assert TASKS[name]["Retry"] == retriers(policies)


def test_each_error_that_is_worth_a_retry_is_retried_somewhere() -> None:
    worth = {
        name
        for name, error in inspect.getmembers(errors, inspect.isclass)
        if issubclass(error, errors.SyncError) and error.retry
    }
    assert worth == {one for state in TASKS.values() for one in own_errors(state)}


def test_an_outage_is_waited_out_longer_than_redis_loads_its_largest_index() -> None:
    """109 s for an HNSW index of the whole catalog; the jitter may take half of the mean."""
    assert OUTAGE.mean_s / 2 > 109


def test_the_tree_in_the_docstring_is_the_tree_of_errors() -> None:
    drawn = dict(re.findall(r"(?:├──|└──) (\w+)( \*)?", errors.__doc__ or ""))
    classes = {
        name: error
        for name, error in inspect.getmembers(errors, inspect.isclass)
        if issubclass(error, errors.SyncError) and error is not errors.SyncError
    }
    assert drawn.keys() == classes.keys()
    assert {name for name, star in drawn.items() if star} == {
        name for name, error in classes.items() if error.retry
    }


# What a task may meet: the adapters that its handler hands to the step.
ADAPTER_ERRORS = {
    "executions": {"ExecutionsUnavailable"},
    "catalog": {"CatalogUnavailable"},
    "index": {"IndexUnavailable", "IndexQueryCut"},
    "runs": {"RunStoreUnavailable"},
    "embedder": {"EmbedderUnavailable", "EmbedderThrottled", "ModelFailed", "InvalidEmbedding"},
    "quota": {"IndexUnavailable"},
}


@pytest.mark.parametrize("name", TASKS)
def test_each_task_retries_the_outages_of_every_server_that_it_uses(name: str) -> None:
    source = inspect.getsource(importlib.import_module(f"handlers.{snake(name)}"))
    used = set(re.findall(r"=w\.(\w+)", source)) & ADAPTER_ERRORS.keys()
    expected = set().union(*(ADAPTER_ERRORS[one] for one in used))
    assert expected <= set(named_errors(TASKS[name]))


@pytest.mark.parametrize("name", TASKS)
def test_each_retry_has_a_limit_and_backs_off_with_jitter_under_a_cap(name: str) -> None:
    for retry in TASKS[name]["Retry"]:
        assert retry["MaxAttempts"] > 0
        if retry["BackoffRate"] > 1:
            assert retry["JitterStrategy"] == "FULL"
            assert retry["MaxDelaySeconds"] <= 300


@pytest.mark.parametrize("name", ["VerifyPage", "VerifyIndex", "PublishIndex"])
def test_waiting_for_an_index_is_a_steady_retry_of_step_functions(name: str) -> None:
    waiting = [
        retry for retry in TASKS[name]["Retry"] if "IndexStillBuilding" in retry["ErrorEquals"]
    ]
    assert [retry["BackoffRate"] for retry in waiting] == [1.0]
    assert waiting[0]["IntervalSeconds"] * waiting[0]["MaxAttempts"] >= 600


@pytest.mark.parametrize("name", [name for name in STATES if name not in TASKS])
def test_only_tasks_retry(name: str) -> None:
    assert "Retry" not in STATES[name]


def test_no_error_is_caught_and_no_wildcard_is_retried() -> None:
    assert "States.TaskFailed" not in TEXT
    assert "States.ALL" not in TEXT
    assert not any("Catch" in state for state in STATES.values())
    assert "Fail" not in {state["Type"] for state in STATES.values()}


@pytest.mark.parametrize("name", TASKS)
def test_each_task_times_out_after_its_function_and_before_the_machine(name: str) -> None:
    assert LONGEST_FUNCTION_S < TASKS[name]["TimeoutSeconds"] < MACHINE["TimeoutSeconds"]
