"""Synthesizes each configuration once for all tests of the templates."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from infra.stage.stage import ROOT, load_stage
from tests.infra.template import Template

STAGES = Path(__file__).parent / "stages"
CONFIGURATIONS = ("existing", "created", "mixed")

os.environ["JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION"] = "1"


@pytest.fixture(scope="session")
def assembly(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The folder of a configuration's synthesized templates. It passed cdk-nag, or synth fails."""
    from infra.app import build

    @cache
    def synthesize(configuration: str) -> Path:
        folder = tmp_path_factory.mktemp(configuration)
        build(load_stage(STAGES / f"{configuration}.toml"), output=folder).synth()
        return folder

    return synthesize


@pytest.fixture(params=CONFIGURATIONS)
def configuration(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def workflow(assembly: Callable[[str], Path], configuration: str) -> Template:
    return Template.read(assembly(configuration) / "Workflow.template.json")


@pytest.fixture
def data(assembly: Callable[[str], Path], configuration: str) -> Template:
    return Template.read(assembly(configuration) / "Data.template.json")


@pytest.fixture
def stack(assembly: Callable[[str], Path]) -> Callable[[str, str], Template]:
    """One stack of one configuration: `stack("created", "Data")`."""
    return lambda name, which: Template.read(assembly(name) / f"{which}.template.json")


@pytest.fixture(scope="session")
def definition() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((ROOT / "statemachine.asl.json").read_text())
    return found
