"""Imports point one way: leaves <- workflow <- handlers; adapters know ports and one SDK each."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("workflow", "handlers", "infra", "local", "cli", "benchmarks", "tests")

LEAVES = {f"workflow.{name}" for name in ("columns", "errors", "events", "models", "vectors")}
BASICS = LEAVES | {"workflow.ports"}
"""What an adapter may know of the workflow."""

OWN_PORTS = {"workflow.adapters.failures": {"workflow.failure"}}
"""Ports that only one function needs stand beside it."""

SDKS = {
    "bedrock": {"botocore", "mypy_boto3_bedrock_runtime"},
    "failures": {"botocore", "mypy_boto3_sns", "mypy_boto3_stepfunctions"},
    "mysql": {"mysql"},
    "redis": {"hiredis", "redis"},
    "redis_queries": {"redis"},
    "redis_quota": {"redis"},
    "redis_search": {"redis"},
    "s3": {"botocore", "mypy_boto3_s3"},
    "stepfunctions": {"botocore", "mypy_boto3_stepfunctions"},
}
EVERYWHERE = {"orjson", "pydantic"}
VENDORS = {"boto3", "botocore", "mysql", "redis", "aws_lambda_powertools", "moto"}


def modules() -> dict[str, Path]:
    """Every module of ours, by its dotted name."""
    found = {}
    for package in PACKAGES:
        for path in (ROOT / package).rglob("*.py"):
            parts = path.relative_to(ROOT).with_suffix("").parts
            found[".".join(part for part in parts if part != "__init__")] = path
    return found


MODULES = modules()


def imports(name: str) -> Iterator[str]:
    """The dotted names that a module imports, also inside functions."""
    for node in ast.walk(ast.parse(MODULES[name].read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name}: imports are absolute"
            base = str(node.module)
            for alias in node.names:
                full = f"{base}.{alias.name}"
                yield full if full in MODULES else base


def under(*packages: str) -> list[str]:
    return sorted(name for name in MODULES if name.split(".")[0] in packages)


def ours(name: str) -> set[str]:
    return {one for one in imports(name) if one.split(".")[0] in PACKAGES}


def vendors(name: str) -> set[str]:
    """The packages that a module imports and that are neither ours nor Python's."""
    known = {*PACKAGES, *sys.stdlib_module_names, *EVERYWHERE}
    return {one.split(".")[0] for one in imports(name)} - known


@pytest.mark.parametrize("name", sorted(LEAVES))
def test_a_leaf_imports_nothing_of_ours(name: str) -> None:
    assert ours(name) == set()


def test_ports_are_shapes_only() -> None:
    assert ours("workflow.ports") <= LEAVES


@pytest.mark.parametrize("name", under("workflow"))
def test_the_workflow_imports_no_other_package_of_ours(name: str) -> None:
    assert {one for one in ours(name) if not one.startswith("workflow")} == set()


STEPS = [name for name in under("workflow") if not name.startswith("workflow.adapters")]


@pytest.mark.parametrize("name", STEPS)
def test_a_step_knows_no_adapter_and_no_sdk(name: str) -> None:
    assert {one for one in ours(name) if one.startswith("workflow.adapters")} == set()
    assert vendors(name) & VENDORS == set()


@pytest.mark.parametrize("name", under("workflow"))
def test_the_workflow_reads_no_environment_variable(name: str) -> None:
    assert {"os", "dotenv"} & {one.split(".")[0] for one in imports(name)} == set()


ADAPTERS = [name for name in under("workflow") if name.startswith("workflow.adapters.")]


@pytest.mark.parametrize("name", ADAPTERS)
def test_an_adapter_knows_ports_and_one_sdk(name: str) -> None:
    mine = name.removeprefix("workflow.adapters.")
    siblings = {one for one in ADAPTERS if one.startswith("workflow.adapters.redis")}
    allowed = BASICS | OWN_PORTS.get(name, set())
    allowed |= siblings if mine.startswith("redis") else set()
    assert ours(name) <= allowed
    assert vendors(name) <= SDKS[mine]


def test_the_workflow_has_no_circle() -> None:
    graph = {name: ours(name) & set(under("workflow")) for name in under("workflow")}
    TopologicalSorter(graph).prepare()


@pytest.mark.parametrize("name", under("infra"))
def test_the_infrastructure_imports_neither_workflow_nor_handlers(name: str) -> None:
    packages = {one.split(".")[0] for one in ours(name)}
    assert packages <= {"infra"}


@pytest.mark.parametrize("name", under("workflow", "handlers", "infra"))
def test_nothing_that_is_deployed_imports_what_is_local(name: str) -> None:
    packages = {one.split(".")[0] for one in ours(name)}
    assert packages & {"local", "cli", "tests", "benchmarks"} == set()


@pytest.mark.parametrize("name", under("local"))
def test_the_local_runtime_does_not_know_the_command_line(name: str) -> None:
    assert {one.split(".")[0] for one in ours(name)} & {"cli", "tests", "benchmarks"} == set()


@pytest.mark.parametrize("name", under("handlers"))
def test_adapters_are_built_in_the_wiring_only(name: str) -> None:
    """The function that reports failures has its own few: it runs when others could not."""
    if name in ("handlers.wiring", "handlers.notify_failure"):
        return
    assert {one for one in ours(name) if one.startswith("workflow.adapters")} == set()
