"""What this machine's commands tell a person beside their answer."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest

from cli.commands.catalog_init import ANOTHER_TEXT, _save
from cli.documents import CatalogProposed, MapProgress
from cli.show.terminal import Out
from cli.sites.dead_servers import DeadServers
from local.engine.invocations import Invocation
from local.places import HOME_VARIABLE
from local.servers.given import read_settings
from workflow.contract.settings import DEFAULT_TEMPLATE


def invocation(error: str | None) -> Invocation:
    return Invocation("VerifyPage", "00000", 1, error=error, message="gone")


def test_a_server_that_died_under_a_run_is_said_once(tmp_path: Path) -> None:
    said = io.StringIO()
    watch = DeadServers(tmp_path, Out(file=said, width=200))
    for error in (None, "KeyBlank", "CatalogUnavailable", "IndexUnavailable"):
        watch.see(invocation(error))
    lines = said.getvalue().splitlines()
    assert [line.split(" has stopped")[0].strip() for line in lines] == [
        *("MySQL", "Redis", "the Bedrock stand-in")
    ]
    assert all("drugsync up" in line and "Ctrl-C" in line for line in lines)


def test_no_time_left_is_said_where_only_pages_that_failed_are_left() -> None:
    waiting = MapProgress(state="VerifyPages", total=12, done=5, failed=7, seconds=600.0)
    assert (waiting.eta_s, waiting.rate) == (None, 5 / 600)
    assert waiting.model_copy(update={"failed": 6}).eta_s == 120.0


def saved(view: str, template: str) -> str:
    said = io.StringIO()
    given: dict[str, Any] = {"view": view, "template": template}
    found = CatalogProposed.model_construct(**given)
    _save(Out(file=said, width=300), found)
    return said.getvalue()


def test_settings_that_init_changes_are_said_with_what_they_mean(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(HOME_VARIABLE, str(tmp_path))
    assert "was" not in saved("drugs", DEFAULT_TEMPLATE)
    said = saved("theirs", "{drug_name}")
    assert "catalog_table was 'drugs' and is 'theirs'" in said
    assert "and is '{drug_name}'" in said
    assert ANOTHER_TEXT in said
    assert ANOTHER_TEXT not in saved("mine", "{drug_name}")
    assert ANOTHER_TEXT in saved("mine", DEFAULT_TEMPLATE)
    assert read_settings(tmp_path) == {"catalog_table": "mine"}
