"""The state machine's file and its handlers hold together."""

from __future__ import annotations

import importlib
import inspect
import json
import re
from typing import Any, get_type_hints

import pytest

from local.engine.functions import handler_of
from tests.machine import MACHINE, MAPS, ROOT, STATES, TASKS, TEXT, fields, snake
from workflow.contract.events.base import Event
from workflow.contract.events.payloads import (
    AcceptRunTask,
    DiffPageTask,
    EmbedPageTask,
    LoadPageTask,
    PlanTask,
    PruneTask,
    Pruning,
    ReviewedTask,
    ReviewRef,
    RunTask,
    VerifyPageTask,
)

PAYLOADS: dict[str, type[Event]] = {
    "AcceptRun": AcceptRunTask,
    "PlanPages": RunTask,
    "DiffPage": DiffPageTask,
    "ReviewChanges": PlanTask,
    "EmbedPage": EmbedPageTask,
    "LoadPage": LoadPageTask,
    "VerifyPage": VerifyPageTask,
    "VerifyIndex": ReviewedTask,
    "PublishIndex": ReviewedTask,
    "PruneIndex": PruneTask,
    "ReportRun": ReviewedTask,
}
"""The model that parses each Task's payload."""


# Names


def test_the_states_are_those_of_the_design() -> None:
    assert list(MACHINE["States"]) == [
        *("AcceptRun", "PlanPages", "DiffPages", "ReviewChanges", "HasChanges"),
        *("EmbedPages", "HasDocuments", "LoadPages", "VerifyPages", "VerifyIndex"),
        *("IsVerifiedOnly", "PublishIndex", "PruneIndex", "IsPruned", "ReportRun", "Done"),
    ]
    assert set(TASKS) == set(PAYLOADS)


@pytest.mark.parametrize("name", TASKS)
def test_each_task_has_its_handler_file_and_its_substitution(name: str) -> None:
    assert (ROOT / "handlers" / f"{snake(name)}.py").exists()
    assert callable(handler_of(name))
    assert TASKS[name]["Parameters"]["FunctionName"] == f"${{{name}}}"
    assert TASKS[name]["Resource"] == "arn:aws:states:::lambda:invoke"


def test_only_function_names_are_substituted_and_each_once() -> None:
    assert sorted(re.findall(r'"\$\{(\w+)\}"', TEXT)) == sorted(TASKS)
    assert len(re.findall(r"\$\{", TEXT)) == len(TASKS)


@pytest.mark.parametrize("name", TASKS)
def test_each_payload_has_the_fields_of_its_model(name: str) -> None:
    payload = TASKS[name]["Parameters"]["Payload"]
    sent = {field.removesuffix(".$") for field in payload}
    model = PAYLOADS[name].model_fields
    assert sent <= set(model)
    assert {field for field, info in model.items() if info.is_required()} <= sent


@pytest.mark.parametrize("name", TASKS)
def test_each_handler_parses_that_model(name: str) -> None:
    module = importlib.import_module(f"handlers.{snake(name)}")
    source = inspect.getsource(module)
    assert f"@handles({PAYLOADS[name].__name__})" in source


def test_the_review_is_carried_field_by_field() -> None:
    selected = STATES["ReviewChanges"]["ResultSelector"]
    assert selected == {f"{name}.$": f"$.Payload.{name}" for name in ReviewRef.model_fields}


# Maps


@pytest.mark.parametrize("name", MAPS)
def test_each_map_is_distributed_with_standard_children_that_can_be_redriven(name: str) -> None:
    state = MAPS[name]
    assert state["ItemProcessor"]["ProcessorConfig"] == {
        "Mode": "DISTRIBUTED",
        "ExecutionType": "STANDARD",
    }
    assert state["Label"] == name
    assert not {"ToleratedFailurePercentage", "ToleratedFailureCount"} & state.keys()


@pytest.mark.parametrize("name", MAPS)
def test_each_map_reads_a_json_manifest_and_keeps_no_result(name: str) -> None:
    reader = MAPS[name]["ItemReader"]
    assert reader["Resource"] == "arn:aws:states:::s3:getObject"
    assert reader["ReaderConfig"] == {"InputType": "JSON"}
    assert MAPS[name]["ResultPath"] is None
    for child in MAPS[name]["ItemProcessor"]["States"].values():
        assert child["ResultSelector"] == {}


@pytest.mark.parametrize("name", MAPS)
def test_each_maps_concurrency_is_the_plans(name: str) -> None:
    verb = snake(name).partition("_")[0]
    assert MAPS[name]["MaxConcurrencyPath"] == f"$.plan.{verb}_concurrency"


@pytest.mark.parametrize("name", MAPS)
def test_a_maps_child_never_asks_for_its_own_execution(name: str) -> None:
    """There it would be the child's; the run is in the plan."""
    assert "$$.Execution" not in json.dumps(MAPS[name]["ItemProcessor"])
    assert MAPS[name]["ItemSelector"] == {"plan.$": "$.plan", "page.$": "$$.Map.Item.Value"}


# Paths


def branches(choice: str) -> list[tuple[str, str, object, str]]:
    """Each branch of a Choice: the variable, the comparison, its value, the next state."""
    return [
        (branch["Variable"], *next(iter(_comparison(branch).items())), branch["Next"])
        for branch in STATES[choice]["Choices"]
    ]


def _comparison(branch: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in branch.items() if name not in ("Variable", "Next")}


def test_a_dry_run_is_reported_and_what_is_not_needed_is_skipped() -> None:
    assert branches("HasChanges") == [
        ("$.review.reviewed", "BooleanEquals", False, "ReviewChanges"),
        ("$.plan.run.input.mode", "StringEquals", "verify", "VerifyPages"),
        ("$.review.dry_run", "BooleanEquals", True, "ReportRun"),
        ("$.review.embed_pages", "NumericGreaterThan", 0, "EmbedPages"),
        ("$.review.load_pages", "NumericGreaterThan", 0, "LoadPages"),
    ]
    assert STATES["HasChanges"]["Default"] == "VerifyPages"


def test_a_verification_switches_nothing() -> None:
    assert branches("IsVerifiedOnly") == [("$.review.dry_run", "BooleanEquals", True, "ReportRun")]
    assert STATES["IsVerifiedOnly"]["Default"] == "PublishIndex"


def test_texts_that_are_embedded_again_need_no_document() -> None:
    assert branches("HasDocuments") == [
        ("$.review.load_pages", "NumericGreaterThan", 0, "LoadPages")
    ]
    assert STATES["HasDocuments"]["Default"] == "VerifyPages"


def test_pruning_is_asked_again_with_its_own_answer_until_it_is_done() -> None:
    assert branches("IsPruned") == [("$.prune.done", "BooleanEquals", True, "ReportRun")]
    assert STATES["IsPruned"]["Default"] == "PruneIndex"
    fields = set(Pruning.model_fields)
    for name in ("PublishIndex", "PruneIndex"):
        assert {one.removesuffix(".$") for one in STATES[name]["ResultSelector"]} == fields
        assert STATES[name]["ResultPath"] == "$.prune"


def test_every_next_state_exists_and_every_state_is_reached() -> None:
    def check(states: dict[str, Any], start: str) -> None:
        targets = {start}
        for state in states.values():
            targets |= {value for _, name, value in fields(own(state)) if name == "Next"}
            targets |= {state["Default"]} if "Default" in state else set()
            assert "Next" in state or state.get("End") or state["Type"] in ("Succeed", "Choice")
        assert targets == set(states)

    def own(state: dict[str, Any]) -> dict[str, Any]:
        return {name: value for name, value in state.items() if name != "ItemProcessor"}

    check(MACHINE["States"], MACHINE["StartAt"])
    for state in MAPS.values():
        check(state["ItemProcessor"]["States"], state["ItemProcessor"]["StartAt"])


PATH_FIELDS = {"ResultPath", "InputPath", "OutputPath", "Variable", "MaxConcurrencyPath"}


def test_no_dollar_is_forgotten_behind_a_field_and_none_is_too_many() -> None:
    for path, name, value in fields(MACHINE):
        is_path = isinstance(value, str) and value.startswith("$") and not value.startswith("${")
        if name.endswith(".$"):
            assert is_path, f"{path} ends in .$ and is no path: {value!r}"
        elif is_path:
            assert name in PATH_FIELDS, f"{path} is a path and does not end in .$"


def test_payloads_are_small_whatever_the_catalog() -> None:
    """Plan and review carry references and counts: no field of theirs is a list of rows."""
    for model in (PAYLOADS["VerifyIndex"], PAYLOADS["LoadPage"]):
        for name, kind in get_type_hints(model).items():
            assert "list" not in str(kind), name
