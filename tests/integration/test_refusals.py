"""What stops a run by name: wrong input, wrong catalogs, wrong settings, wrong servers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.integration.stage import site_with
from tests.lab import Lab, before, cause_of
from tests.rows import make_rows, ndc
from tests.servers import CatalogTable
from workflow.adapters.redis.client import RedisClient

MANY = ", ".join(f"('{key}', 'A')" for key in range(1000, 1201))


@pytest.fixture
def other(empty_lab: Lab) -> Iterator[Lab]:
    """A lab for catalogs of other shapes, under the name `other`."""

    def drop() -> None:
        empty_lab.catalog.execute("DROP VIEW IF EXISTS other")
        empty_lab.catalog.execute("DROP TABLE IF EXISTS other, other_base")

    drop()
    empty_lab.settings["catalog_table"] = "other"
    yield empty_lab
    drop()


def test_the_doctor_and_a_plan_name_the_grant_that_a_view_needs(
    other: Lab, admin: CatalogTable
) -> None:
    """EXPLAIN of a view needs SHOW VIEW: error 1345 to a user with SELECT alone."""
    other.catalog.execute("CREATE TABLE other_base LIKE drugs")
    other.catalog.execute("CREATE VIEW other AS SELECT * FROM other_base")
    admin.execute("DROP USER IF EXISTS 'odd'@'localhost'")
    admin.execute("CREATE USER 'odd'@'localhost'")
    admin.execute("GRANT SELECT ON drugs.other TO 'odd'@'localhost'")
    other.settings["mysql_user"] = "odd"
    with other.machine():
        found = {one.check: one for one in site_with().doctor()}["MySQL catalog"]
    planned = other.run(dry_run=True)
    assert not found.ok
    for text in (found.found, cause_of(planned, "CatalogAccessDenied")):
        assert "GRANT SELECT, SHOW VIEW ON other" in text


# Input


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"mode": "sideways"}, ["mode", "'sync', 'backfill' or 'verify'"]),
        ({"page_sise": 5}, ["'page_sise' is not a field", "page_size", "reembed"]),
        ({"page_size": 0}, ["page_size = 0", "must be 1 or more"]),
        (
            {"accept": ["everything"]},
            ["accept.0", "'deletes', 'profile', 'budget', 'rejects' or 'time'"],
        ),
        ({"reembed": True}, ["reembed", "'backfill'"]),
        ({"mode": "backfill", "after_key": "5"}, ["after_key", "through_key", "'sync'"]),
        ({"after_key": "5", "through_key": "4"}, ["after_key '5'", "through_key '4'"]),
    ],
)
def test_accept_run_refuses_a_wrong_input_by_field_and_allowed_values(
    lab: Lab, wrong: dict[str, Any], words: list[str]
) -> None:
    cause = cause_of(lab.run(**wrong), "InvalidInput")
    assert lab.states() == ["AcceptRun"]
    for word in words:
        assert word in cause


# The catalog


def test_an_empty_catalog_stops_the_run_and_leaves_the_index(synced: Lab) -> None:
    documents = synced.index.documents()
    synced.catalog.clear()
    cause_of(synced.run(), "CatalogEmpty")
    assert synced.index.documents() == documents


@pytest.mark.parametrize("rows", [40, 5])
def test_a_catalog_that_loses_its_rows_during_the_run_does_not_empty_the_index(
    empty_lab: Lab, rows: int
) -> None:
    empty_lab.catalog.insert(*make_rows(rows))
    empty_lab.succeed()
    report = empty_lab.run(intercept=before("DiffPage", empty_lab.catalog.clear))
    cause_of(report, "CatalogEmpty")
    assert len(empty_lab.index.documents()) == rows


def test_a_first_sync_whose_catalog_loses_its_rows_publishes_nothing(lab: Lab) -> None:
    cause_of(lab.run(intercept=before("DiffPage", lab.catalog.clear)), "CatalogEmpty")
    assert lab.index.redis.exists("drugs:live") == 0


def test_the_two_required_columns_are_enough(other: Lab) -> None:
    other.catalog.execute("CREATE TABLE other (ndc VARCHAR(20) PRIMARY KEY, drug_name TEXT)")
    other.catalog.insert({"ndc": "1", "drug_name": "Aspirin"}, table="other")
    assert other.succeed().added == 1
    assert other.index.nearest("aspirin")[0]["ndc"] == "1"


def test_a_view_that_computes_its_key_is_refused(other: Lab) -> None:
    other.catalog.execute("CREATE TABLE other_base (id VARCHAR(20) PRIMARY KEY, drug_name TEXT)")
    other.catalog.execute(f"INSERT INTO other_base VALUES {MANY}")
    other.catalog.execute(
        "CREATE VIEW other AS SELECT LPAD(id, 11, '0') AS ndc, drug_name FROM other_base"
    )
    cause_of(other.run(), "KeyNotIndexed")


def test_a_blank_key_is_refused(other: Lab) -> None:
    other.catalog.execute("CREATE TABLE other (ndc VARCHAR(20) PRIMARY KEY, drug_name TEXT)")
    other.catalog.execute("INSERT INTO other VALUES ('', 'A'), ('1', 'B')")
    cause_of(other.run(), "KeyBlank")


# Settings against the live generation


@pytest.mark.parametrize(
    ("settings", "what"),
    [
        ({"embedding_dimensions": "512"}, "dimensions"),
        ({"embedding_model": "cohere.embed-english-v3", "embedding_dimensions": "1024"}, "model"),
        ({"embedding_template": "{generic_name} {route}"}, "template"),
        ({"index_algorithm": "FLAT"}, "algorithm"),
        ({"index_m": "8"}, "options"),
    ],
)
def test_a_sync_with_other_settings_is_refused_and_a_backfill_mends_it(
    synced: Lab, settings: dict[str, str], what: str
) -> None:
    held = synced.index.dump()
    cause = cause_of(synced.run(settings=settings), "GenerationMismatch")
    assert what in cause
    assert '{"mode": "backfill"}' in cause
    assert synced.index.dump() == held
    synced.succeed("backfill", settings=settings)
    assert synced.succeed(settings=settings).unchanged == 40


def test_a_key_range_without_a_live_generation_is_refused(lab: Lab) -> None:
    cause = cause_of(lab.run(after_key=ndc(3)), "GenerationMismatch")
    assert "without after_key" in cause


# The server


def test_a_server_that_cuts_answers_below_what_searches_need_is_refused(lab: Lab) -> None:
    config = ("FT.CONFIG", "SET", "MAXSEARCHRESULTS")
    lab.index.redis.execute_command(*config, 500)
    try:
        cause = cause_of(lab.run(), "IndexFeatureMissing")
    finally:
        lab.index.redis.execute_command(*config, 1_000_000)
    assert "MAXSEARCHRESULTS is 500" in cause
    assert "FT.CONFIG SET MAXSEARCHRESULTS" in cause
    assert lab.index.dump() == {"keys": {}, "indexes": set()}


def test_a_server_in_cluster_mode_is_refused(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    """The module of the tests cannot be loaded in cluster mode: INFO is made to say so."""
    ask = RedisClient.ask

    def as_of_a_cluster(client: RedisClient, *command: Any) -> Any:
        answer = ask(client, *command)
        return {**answer, "cluster_enabled": 1} if command == ("INFO",) else answer

    monkeypatch.setattr(RedisClient, "ask", as_of_a_cluster)
    cause = cause_of(lab.run(), "IndexFeatureMissing")
    assert "cluster mode" in cause
    assert "one primary with replicas" in cause
    assert lab.index.dump() == {"keys": {}, "indexes": set()}


def test_a_server_without_room_for_a_generation_is_refused(lab: Lab) -> None:
    used = lab.index.redis.info("memory")["used_memory"]
    lab.index.redis.config_set("maxmemory", used + 30_000)
    try:
        cause = cause_of(lab.run(), "MemoryShort")
    finally:
        lab.index.redis.config_set("maxmemory", "0")
    assert "raise maxmemory" in cause
    # It has the fence, to free what an earlier run left; and no more.
    assert set(lab.index.dump()["keys"]) == {"drugs:writer"}
