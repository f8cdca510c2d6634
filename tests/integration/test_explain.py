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
from workflow.operate.explain import Explanation
from workflow.operate.operate import OperatorTask, operate
from workflow.operate.place import FAR, NO_MODEL, NOT_INDEXED, OTHERS, Place


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
    assert (one.written_by, one.verified_by) == ("first", "first")
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


def test_the_run_that_verified_a_document_may_be_later_than_the_one_that_wrote_it(
    synced: Lab,
) -> None:
    synced.succeed(run_id="second")
    one = explain(synced, first(synced)["ndc"])
    assert (one.written_by, one.verified_by) == ("first", "second")
    assert one.verified_at


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


def left_out(lab: Lab, ndc: str, query: str, **settings: str) -> Place:
    place = explain(lab, ndc, query, **settings).place
    assert place is not None
    assert place.rank is None
    return place


def test_a_query_that_names_other_drugs_says_so(synced: Lab) -> None:
    rows = list(synced.catalog.rows().values())
    assert left_out(synced, str(rows[8]["ndc"]), str(rows[0]["drug_name"])).why_not.startswith(
        OTHERS
    )


def test_a_drug_that_is_not_indexed_has_no_place(synced: Lab) -> None:
    place = left_out(synced, "12345678901", str(first(synced)["drug_name"]))
    assert place.why_not == NOT_INDEXED


def test_a_drug_that_the_floor_leaves_out_is_told_with_both_figures(synced: Lab) -> None:
    """The stand-in's made-up vectors are far from everything."""
    place = left_out(synced, first(synced)["ndc"], "for a headache in the morning")
    assert place.why_not.startswith(FAR)
    assert place.cosine is not None
    assert f"cosine {place.cosine:.3f}, and below " in place.why_not


def test_without_the_live_spaces_model_words_alone_are_asked(synced: Lab) -> None:
    another = {"embedding_dimensions": "512"}
    place = left_out(synced, first(synced)["ndc"], "for a headache in the morning", **another)
    assert place.why_not == NO_MODEL


def test_where_the_model_fails_words_alone_are_asked(synced: Lab) -> None:
    synced.control_model(faults=[{"kind": "AccessDeniedException", "times": 9}])
    row = first(synced)
    assert left_out(synced, row["ndc"], "for a headache in the morning").why_not == NO_MODEL
    found = explain(synced, row["ndc"], query=str(row["drug_name"])).place
    assert found is not None
    assert found.rank is not None


def test_a_row_that_cannot_be_carried_is_told_with_its_rule(synced: Lab) -> None:
    key = first(synced)["ndc"]
    synced.catalog.update(key, strength="7\x00mg")
    one = explain(synced, key)
    assert one.rejected.startswith("strength: ")
    assert one.rejected in one.verdict
    assert one.in_index


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
    said = "this machine's Redis: not running; start it: drugsync up"
    assert one.failures["live index"] == said
