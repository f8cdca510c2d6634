"""`--json`: every verb that answers has it, and prints the document that docs/cli.md describes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from types import UnionType
from typing import Any, get_args

import pytest
import typer.main
from pydantic import BaseModel, TypeAdapter
from typer.testing import CliRunner

from cli.app import app
from cli.documents import DOCUMENTS
from cli.standby import process as standby
from local.places import HOME_VARIABLE
from tests.lab import Lab
from tools.reference_cli import commands

PEOPLE_ONLY = {"demo", "schedule", "serve"}
"""They show, and answer nothing."""


def json_options() -> dict[str, bool]:
    root = typer.main.get_command(app)
    return {
        path: any("--json" in option.opts for option in command.params)
        for path, command in commands(root)
    }


def test_every_verb_that_answers_has_json_and_a_documented_document() -> None:
    has = json_options()
    assert {verb for verb, answers in has.items() if not answers} == PEOPLE_ONLY
    assert set(DOCUMENTS) == set(has) - PEOPLE_ONLY


def answer(verb: str, *arguments: str) -> Any:
    result = CliRunner().invoke(app, [*verb.split(), *arguments, "--json"])
    assert result.exit_code in (0, 1), result.output
    return json.loads(result.stdout)


def without_computed(kind: Any, document: Any) -> Any:
    """What a model is made from: computed fields are checked to be there and taken out."""
    if isinstance(document, list):
        return [without_computed(get_args(kind)[0], one) for one in document]
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        inner = {name: field.annotation for name, field in kind.model_fields.items()}
        computed = set(kind.model_computed_fields)
        assert set(document) == set(inner) | computed
        return {
            name: without_computed(inner[name], value)
            for name, value in document.items()
            if name not in computed
        }
    return document


def assert_documented(verb: str, document: Any) -> None:
    kind = DOCUMENTS[verb]
    if isinstance(kind, UnionType):
        kind = get_args(kind)[0]
    TypeAdapter(kind).validate_python(without_computed(kind, document))


@pytest.fixture
def home(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv(HOME_VARIABLE, str(lab.stack.root))
    yield lab.stack.root
    standby.stop(lab.stack.root)


def test_what_is_printed_is_what_is_documented(home: Path, lab: Lab) -> None:
    lab.control_model(faults=[{"kind": "AccessDeniedException", "times": 1}])
    failed = answer("run", "--page-size", "10")
    documents = {
        "run": failed,
        "redrive": answer("redrive", failed["run_id"]),
        "up": answer("up", "--embedder", "hash"),
        "info": answer("info"),
        "status": answer("status"),
        "runs": answer("runs"),
        "report": answer("report"),
        "logs": answer("logs"),
        "changes": answer("changes"),
        "verify": answer("verify"),
        "doctor": answer("doctor"),
        "search": answer("search", "tablet", "--facets"),
        "explain": answer("explain", next(iter(lab.catalog.rows())), "--query", "tablet"),
    }
    answer("run", "--mode", "backfill")
    documents["rollback"] = answer("rollback")
    for verb, document in documents.items():
        assert_documented(verb, document)
    assert set(DOCUMENTS) - set(documents) == {"down", "catalog load", "catalog init"}


def test_loading_and_stopping_are_answered_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(HOME_VARIABLE, str(tmp_path))
    file = tmp_path / "drugs.csv"
    file.write_text("ndc,drug_name\n00001,Aspirin\n")
    assert_documented("catalog init", answer("catalog init", str(file)))
    answer("up", "--embedder", "hash")
    try:
        assert_documented("catalog load", answer("catalog load", "--source", str(file)))
    finally:
        stopped = answer("down")
    assert_documented("down", stopped)
    assert stopped["stopped"] == ["standby", "Bedrock stand-in", "Redis", "MySQL"]
