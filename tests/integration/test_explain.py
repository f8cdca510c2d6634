"""`explain` on real servers, in each state that a drug can have."""

from __future__ import annotations

from typing import Any

import pytest
from typer.testing import CliRunner

from cli.app import app
from handlers.wiring import Wiring
from local.places import HOME_VARIABLE
from local.servers.stack import functions_see
from tests.lab import Lab
from workflow.operate.explain import NOT_FOUND, Explanation
from workflow.operate.operate import OperatorTask, operate


def explain(lab: Lab, ndc: str, query: str = "", **settings: str) -> Explanation:
    with functions_see(lab.stack.environment(**(lab.settings | settings))):
        task = OperatorTask(action="explain", run_id="x", ndc=ndc, query=query)
        explained = operate(task, Wiring().ports).explained
    assert explained is not None
    return explained


def first(lab: Lab) -> dict[str, Any]:
    return dict(next(iter(lab.catalog.rows().values())))


def test_a_drug_that_is_in_step_is_said_to_be(synced: Lab) -> None:
    row = first(synced)
    before = synced.index.dump()
    one = explain(synced, row["ndc"], query=row["drug_name"])
    assert one.verdict == "its document matches the catalog"
    assert (one.in_catalog, one.in_index, one.differs) == (True, True, ())
    assert one.written_by == "first"
    assert one.text is not None
    assert (one.text.record, one.text.refused) == (True, "")
    assert one.text.run == "first"
    assert one.place is not None
    assert one.place.rank is not None
    assert one.place.why
    assert synced.index.dump() == before


def test_a_drug_that_changed_names_the_columns(synced: Lab) -> None:
    ndc = first(synced)["ndc"]
    synced.catalog.update(ndc, strength="7 mg", manufacturer="Other")
    one = explain(synced, ndc)
    assert set(one.differs) == {"strength", "manufacturer"}
    assert "start a sync" in one.verdict
    strength = next(column for column in one.columns if column.column == "strength")
    assert (strength.catalog, strength.index != "7 mg") == ("7 mg", True)


def test_a_drug_that_left_the_catalog_is_removed_by_the_next_sync(synced: Lab) -> None:
    ndc = first(synced)["ndc"]
    synced.catalog.delete(ndc)
    assert "the next sync removes it" in explain(synced, ndc).verdict


def test_a_drug_that_is_new_is_added_by_the_next_sync(synced: Lab) -> None:
    synced.catalog.insert(first(synced) | {"ndc": "99999999999"})
    assert "the next sync adds it" in explain(synced, "99999999999").verdict


def test_a_drug_that_nobody_knows_is_nowhere(synced: Lab) -> None:
    assert "no drug has this NDC" in explain(synced, "12345678901").verdict


def test_before_the_first_sync_the_catalog_is_explained(lab: Lab) -> None:
    one = explain(lab, first(lab)["ndc"], query="tablet")
    assert (one.in_catalog, one.in_index, one.place, one.failures) == (True, False, None, {})


def test_a_query_that_does_not_find_it_says_so(synced: Lab) -> None:
    one = explain(synced, "12345678901", query=first(synced)["drug_name"])
    assert one.place is not None
    assert (one.place.rank, one.place.why_not) == (None, NOT_FOUND)


@pytest.mark.parametrize(
    ("settings", "part"),
    [
        ({"mysql_user": "nobody"}, "catalog"),
        ({"redis_url": "redis://127.0.0.1:1"}, "live index"),
    ],
)
def test_a_server_that_is_down_leaves_an_answer_of_the_others(
    synced: Lab, settings: dict[str, str], part: str
) -> None:
    one = explain(synced, first(synced)["ndc"], **settings)
    assert part in one.failures
    assert "see what failed" in one.verdict
    assert one.in_catalog == (part != "catalog")
    assert one.in_index == (part == "catalog")


def test_the_command_says_it_to_people(synced: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(HOME_VARIABLE, str(synced.stack.root))
    monkeypatch.setenv("DRUGSYNC_EMBEDDING_DIMENSIONS", synced.settings["embedding_dimensions"])
    row = first(synced)
    arguments = ["explain", row["ndc"], "--query", row["drug_name"]]
    shown = CliRunner().invoke(app, arguments, terminal_width=200).output
    assert f"✓ {row['ndc']}: its document matches the catalog" in shown
    assert "embedded in run first" in shown
    assert f"{row['drug_name']}: place " in shown


def test_the_command_answers_also_where_a_server_does_not_run(
    synced: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(HOME_VARIABLE, str(synced.stack.root))
    monkeypatch.setattr("local.servers.stack.running_redis", lambda _root: None)
    result = CliRunner().invoke(app, ["explain", first(synced)["ndc"], "--json"])
    one = Explanation.model_validate_json(result.stdout)
    assert one.in_catalog
    assert "IndexUnavailable" in one.failures["live index"]
