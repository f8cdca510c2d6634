"""A stage in moto's account, with the real command line in front of it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import pytest
from typer.testing import CliRunner

from cli.app import app
from cli.documents import Started
from cli.show.terminal import Out
from cli.sites.aws_site import AwsSite
from local.engine.engine import Engine
from tests.integration.stage import EXECUTION, OUTPUTS, Session
from tests.lab import Lab, Payload
from tests.redrives import Redrives
from tests.rows import ndc
from workflow.contract.errors import SyncError

SEARCH = {"SearchFunction": "SearchApi"}


class Refused(SyncError):
    """Not one that the state machine retries."""


class Breaking:
    """VerifyIndex fails while it is `on`: no page, because moto cannot list a Map's children."""

    on = False

    def __call__(self, state: str, _event: Payload, call: Callable[[], Payload]) -> Payload:
        if self.on and state == "VerifyIndex":
            raise Refused("asked for by a test")
        return call()


class Account(NamedTuple):
    """What runs, what breaks it, and what was redriven."""

    machine: Engine
    lab: Lab
    breaking: Breaking
    redrives: Redrives

    def fail(self) -> str:
        """A run that fails once it has staged a drug that changed."""
        self.lab.catalog.update(ndc(5), strength=f"{time.monotonic_ns()} mg/1")
        self.breaking.on = True
        result = call("run", "--wait", "--stage", "prod")
        assert (result.exit_code, "asked for by a test" in result.output) == (1, True)
        self.breaking.on = False
        return newest()


@contextmanager
def deployed(lab: Lab, monkeypatch: pytest.MonkeyPatch, breaking: Breaking) -> Iterator[Account]:
    """Stages `prod` and `dev`, which are the same; every started run has ended."""
    monkeypatch.setattr("cli.show.watch.POLL_S", 0.05)
    monkeypatch.setattr("cli.sites.aws_site.SEEN_EVERY_S", 0.05)
    (lab.stack.root / "machine.log").unlink(missing_ok=True)
    run, redrives = AwsSite.run, Redrives()
    with lab.machine(breaking) as machine:

        def run_to_its_end(site: AwsSite, given: dict[str, Any], out: Out) -> Started:
            """moto cannot be asked about a run that has just begun."""
            started = run(site, given, out)
            machine.wait(f"{EXECUTION}:{started.run_id}")
            return started

        monkeypatch.setattr(AwsSite, "run", run_to_its_end)

        def stage_of(stage: str | None, *_: Any) -> AwsSite:
            assert stage in ("prod", "dev")
            return AwsSite(stage, Session(OUTPUTS | SEARCH, stage, redrives))  # type: ignore[arg-type]

        monkeypatch.setattr("cli.options.stage_of", stage_of)
        monkeypatch.setattr("cli.commands.search.stage_of", stage_of)
        yield Account(machine, lab, breaking, redrives)


def call(*arguments: str) -> Any:
    """What the real command line does and says."""
    return CliRunner().invoke(app, list(arguments), terminal_width=200)


def newest(*more: str) -> str:
    """The id of the newest run."""
    found = json.loads(call("runs", "--json", "--stage", "prod", *more).stdout)
    return str(found[0]["run_id"])
