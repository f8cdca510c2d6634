"""Rooms and their doors: folders say who may import what, and the imports are read from the code.

Each room's docstring says what is in it. A wrong import is shown with both files.
"""

from __future__ import annotations

import ast
import sys
from collections import Counter
from collections.abc import Iterator
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

CONTRACT = "workflow.contract"
TO_OPERATE = {
    *("workflow.contract", "workflow.embedding", "workflow.report", "workflow.search"),
    *("workflow.steps", "workflow.verify"),
}
DOORS: dict[str, set[str]] = {
    "workflow.contract": set(),
    "workflow.embedding": {CONTRACT},
    "workflow.report": {CONTRACT},
    "workflow.search": {CONTRACT},
    "workflow.verify": {CONTRACT, "workflow.embedding", "workflow.search"},
    "workflow.steps": TO_OPERATE - {"workflow.steps"},
    "workflow.operate": TO_OPERATE,
    "workflow.adapters": {CONTRACT},
    "handlers": {*TO_OPERATE, "workflow.operate", "workflow.adapters"},
    "infra": {
        *("workflow.contract.errors", "workflow.contract.models", "workflow.contract.settings"),
        *("workflow.contract.rights", "workflow.contract.setting_forms", "workflow.contract.sizes"),
        *("workflow.contract.invalid", "workflow.contract.redis_versions"),
    },
    "local": {"workflow", "handlers"},
    "cli": {"workflow", "handlers", "local"},
    "tools": {"workflow", "handlers", "local", "cli", "infra"},
    "benchmarks": {"workflow", "handlers", "local", "cli", "infra", "tools", "tests"},
    "tests": {"workflow", "handlers", "local", "cli", "infra", "tools", "benchmarks"},
}
"""Room -> the rooms that it may import, besides itself. `workflow` itself is a version only."""

SDKS = {
    "bedrock": {"botocore", "mypy_boto3_bedrock_runtime"},
    "mysql": {"mysql"},
    "redis": {"hiredis", "redis"},
    "s3": {"botocore", "mypy_boto3_s3"},
    "secretsmanager": {"botocore", "mypy_boto3_secretsmanager"},
    "stepfunctions": {"botocore", "mypy_boto3_sns", "mypy_boto3_stepfunctions"},
}
"""Folder of `workflow/adapters/` -> the vendor's packages that only it may import."""

EVERYWHERE = {"orjson", "pydantic"}
VENDORS = {"aws_lambda_powertools", "boto3", "botocore", "hiredis", "moto", "mysql", "redis"}
PACKAGES = {room.split(".")[0] for room in DOORS}
STATES = {
    *("accept_run", "plan_pages", "diff_page", "review_changes", "embed_page", "load_page"),
    *("verify_page", "verify_index", "publish_index", "prune_index", "report_run"),
}


def _modules() -> dict[str, Path]:
    """Every module of ours, by its dotted name."""
    found = {}
    for package in sorted(PACKAGES):
        for path in (ROOT / package).rglob("*.py"):
            parts = path.relative_to(ROOT).with_suffix("").parts
            found[".".join(part for part in parts if part != "__init__")] = path
    return found


MODULES = _modules()


@cache
def imports(name: str) -> frozenset[str]:
    """The dotted names that a module imports, also inside functions."""
    return frozenset(_imports(name))


def _imports(name: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(MODULES[name].read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name}: imports are absolute"
            base = str(node.module)
            for alias in node.names:
                full = f"{base}.{alias.name}"
                yield full if full in MODULES else base


def ours(name: str) -> set[str]:
    return {one for one in imports(name) if one.split(".")[0] in PACKAGES}


def vendors(name: str) -> set[str]:
    """The packages that a module imports and that are neither ours nor Python's."""
    known = {*PACKAGES, *sys.stdlib_module_names, *EVERYWHERE}
    return {one.split(".")[0] for one in imports(name)} - known


def room_of(name: str) -> str | None:
    return next((room for room in DOORS if is_in(name, room)), None)


def is_in(name: str, room: str) -> bool:
    return name == room or name.startswith(f"{room}.")


def wrong_doors(name: str) -> list[str]:
    """Each forbidden import, as `FILE imports FILE`."""
    room = room_of(name)
    if room is None:
        return []
    allowed = {room, *DOORS[room]}
    return [
        f"{_file(name)} imports {_file(one)}"
        for one in sorted(ours(name))
        if one != "workflow" and not any(is_in(one, door) for door in allowed)
    ]


def _file(name: str) -> str:
    return str(MODULES[name].relative_to(ROOT)) if name in MODULES else name


@pytest.mark.parametrize("room", sorted(DOORS))
def test_a_room_is_entered_by_its_doors(room: str) -> None:
    wrong = [line for name in MODULES if room_of(name) == room for line in wrong_doors(name)]
    assert wrong == []


def test_every_module_is_in_a_room() -> None:
    assert [name for name in MODULES if room_of(name) is None] == ["workflow"]


def test_a_wrong_door_is_named_with_both_files(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(DOORS, "workflow.search", set())
    assert "workflow/search/queries.py imports workflow/contract/folding.py" in wrong_doors(
        "workflow.search.queries"
    )


def reached(name: str) -> set[str]:
    """The modules of ours that a module needs before it can be imported, itself included."""
    found, left = set(), {name}
    while left:
        found |= left
        left = {one for each in left & MODULES.keys() for one in ours(each)} - found
    return found & MODULES.keys()


def test_no_test_without_templates_needs_what_makes_them() -> None:
    """Places install the extra `test`, which has no CDK; a module that needs it stops them all."""
    wrong = [
        f"{_file(name)} needs {sorted(needed)}, by {_file(one)}"
        for name in MODULES
        if is_in(name, "tests") and not is_in(name, "tests.infra")
        for one in reached(name)
        if (needed := vendors(one) & {"aws_cdk", "cdk_nag", "constructs"})
    ]
    assert wrong == []


def test_rooms_have_no_circle() -> None:
    rooms = {room: doors & DOORS.keys() for room, doors in DOORS.items() if room != "benchmarks"}
    TopologicalSorter(rooms | {"tests": DOORS["tests"] & (DOORS.keys() - {"benchmarks"})}).prepare()


def test_modules_have_no_circle() -> None:
    graph = {name: ours(name) for name in MODULES if is_in(name, "workflow")}
    TopologicalSorter(graph).prepare()


def test_no_step_imports_another() -> None:
    steps = {f"workflow.steps.{state}" for state in STATES}
    assert steps <= MODULES.keys()
    wrong = [f"{_file(name)} imports {_file(one)}" for name in steps for one in ours(name) & steps]
    assert wrong == []


OUTSIDE_ADAPTERS = [
    name for name in MODULES if is_in(name, "workflow") and not is_in(name, "workflow.adapters")
]


@pytest.mark.parametrize("name", OUTSIDE_ADAPTERS)
def test_no_vendor_outside_the_adapters(name: str) -> None:
    assert vendors(name) & VENDORS == set()


@pytest.mark.parametrize("name", [name for name in MODULES if is_in(name, "workflow")])
def test_the_workflow_reads_no_environment_variable(name: str) -> None:
    assert {"os", "dotenv"} & {one.split(".")[0] for one in imports(name)} == set()


ADAPTERS = [name for name in MODULES if name.startswith("workflow.adapters.")]


@pytest.mark.parametrize("name", ADAPTERS)
def test_an_adapter_knows_one_sdk_and_no_other_adapter(name: str) -> None:
    folder = name.split(".")[2]
    own = f"workflow.adapters.{folder}"
    assert vendors(name) <= SDKS[folder]
    assert {one for one in ours(name) if is_in(one, "workflow.adapters")} == {
        one for one in ours(name) if is_in(one, own)
    }


@pytest.mark.parametrize("name", [name for name in MODULES if is_in(name, "handlers")])
def test_adapters_are_built_in_the_wiring_only(name: str) -> None:
    """The function that reports failures has its own few: it runs when others could not."""
    if name in ("handlers.wiring", "handlers.notify_failure"):
        return
    assert {one for one in ours(name) if is_in(one, "workflow.adapters")} == set()


def test_no_two_files_of_tests_have_one_name() -> None:
    """pytest imports each by its name alone, and collects nothing where two are alike."""
    names = Counter(one.name for one in (ROOT / "tests").rglob("test_*.py"))
    assert [name for name, count in names.items() if count > 1] == []
