"""docs/costs.md counts every function and alarm that a stage has, and docs/performance.md times
every function."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest

from infra.compute.specs import EVERY
from infra.stage.stage import ROOT
from tests.infra.conftest import CONFIGURATIONS, STAGES
from tests.infra.parts import require_cdk
from tests.infra.template import Template

require_cdk()

USD_A_METRIC = 0.10


class Row(NamedTuple):
    """A line of the page: what a stage has it for, and what it has."""

    functions: set[str]
    alarms: set[str]
    metrics: int


def section(page: str, title: str) -> str:
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    return text.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def rows() -> dict[str, Row]:
    table = section("costs.md", "Functions and alarms of a stage")
    found = re.findall(r"^\| (.+?) \|(.*?)\|(.*?)\| (\d+) \|$", table, re.MULTILINE)
    return {
        having: Row(set(re.findall(r"`(\w+)`", of)), set(re.findall(r"`(\w+)`", by)), int(count))
        for having, of, by, count in found
    }


def having(configuration: str) -> set[str]:
    """The lines of the page that are about a stage."""
    stage = tomllib.loads((STAGES / f"{configuration}.toml").read_text())
    created = "create" in stage["redis"]
    memory = created or "memory_metric" in stage["redis"]["existing"]
    has = {
        "anything": True,
        "a metric of Redis's memory (always with `[redis.create]`)": memory,
        "`[redis.create]`": created,
        "`[mysql.create]` with `rotation_days`": "rotation_days"
        in stage["mysql"].get("create", ()),
        "`[search]`": "search" in stage,
    }
    assert has.keys() == rows().keys()
    return {line for line, is_there in has.items() if is_there}


@pytest.fixture(params=CONFIGURATIONS)
def counted(request: pytest.FixtureRequest, stack: Callable[[str, str], Template]) -> Any:
    lines = [rows()[one] for one in having(request.param)]
    return stack(request.param, "Workflow"), lines


def test_the_page_names_every_function_of_a_stage(counted: tuple[Template, list[Row]]) -> None:
    workflow, lines = counted
    functions = {
        one["Properties"]["FunctionName"].rpartition("-")[2]
        for one in workflow.of("AWS::Lambda::Function").values()
    }
    assert functions == set().union(*(one.functions for one in lines))


def test_the_page_names_every_alarm_of_a_stage_and_counts_its_metrics(
    counted: tuple[Template, list[Row]],
) -> None:
    workflow, lines = counted
    alarms = [one["Properties"] for one in workflow.of("AWS::CloudWatch::Alarm").values()]
    names = {one["AlarmName"].rpartition("-")[2] for one in alarms}
    assert names == set().union(*(one.alarms for one in lines))
    assert sum(map(metrics, alarms)) == sum(one.metrics for one in lines)


def metrics(alarm: dict[str, Any]) -> int:
    return sum("MetricStat" in one for one in alarm["Metrics"]) if "Metrics" in alarm else 1


def test_the_sums_of_the_page_are_those_of_its_lines() -> None:
    fixed = section("costs.md", "Fixed")
    of = rows()
    first, memory, *_ = of.values()
    count = len(first.alarms | memory.alarms)
    assert f"{count} alarms on {first.metrics + memory.metrics} metrics x $0.10" in fixed
    assert f"{of['`[redis.create]`'].metrics} x $0.10, 2 x $0.30" in fixed
    cells = re.findall(r"\| ([\d. +]+) \| \*\*([\d.]+)\*\* \|", fixed)
    assert cells
    for parts, total in cells:
        assert sum(map(float, parts.split(" + "))) == pytest.approx(float(total))
    created = sum(of[one].metrics for one in of if one != "`[search]`") * USD_A_METRIC
    lines = re.findall(r"\| .*alarm.* \| .* \| ([\d.]+) \|", fixed)
    assert sum(map(float, lines)) == pytest.approx(created + 2 * 0.30)


def test_every_function_has_its_cold_start() -> None:
    timed = set(re.findall(r"^\| (\w+) \| [\d.]+ \|", section("performance.md", "Cold starts"),
                           re.MULTILINE))  # fmt: skip
    assert timed == {spec.state for spec in EVERY}
