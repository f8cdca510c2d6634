"""What estimates say of the deployment."""

from __future__ import annotations

from infra.compute.functions import SPECS
from workflow.steps.costs import MEMORY_MB


def test_estimates_know_how_large_each_function_is() -> None:
    assert {spec.state: spec.memory_mb for spec in SPECS} == MEMORY_MB
