"""Today's code over what an older version left: it goes on, or names what to do; searches go on.

`python -m tools.old_index COMMIT` makes a file of tests/upgrade from that commit's own code.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from cli.app import app
from cli.failures import sentence
from handlers.wiring import wiring
from local.places import HOME_VARIABLE
from tests.lab import Lab
from workflow.contract.ports.search import NameQuery

VERSIONS = sorted((Path(__file__).parents[1] / "upgrade").glob("*.json"))
ASPIRIN = NameQuery(terms=((("aspirin",),),), numbers=(), forms=())


@pytest.fixture(params=VERSIONS, ids=lambda path: path.stem)
def old(request: pytest.FixtureRequest, empty_lab: Lab) -> Lab:
    """The older version's catalog, keys, indexes and run."""
    left = json.loads(request.param.read_text(encoding="utf-8"))
    empty_lab.catalog.insert(*left["rows"])
    client = empty_lab.index.redis
    for key, (kind, content) in left["keys"].items():
        match kind:
            case "hash":
                client.hset(key, mapping={plain(name): plain(value) for name, value in content})
            case "zset":
                client.zadd(key, {plain(one): 0 for one in content})
            case "set":
                client.sadd(key, *map(plain, content))
            case _:
                client.set(key, plain(content))
    for command in left["indexes"]:
        # As MONITOR writes it: \x1f is an escape there, and white space to str.split().
        client.execute_command(*command.encode().decode("unicode_escape").split(" "))
    for name, content in left["files"].items():
        path = empty_lab.stack.root / "runs" / "old" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(plain(content))
    (empty_lab.stack.root / "runs" / "old" / "log.jsonl").write_text("")
    return empty_lab


def plain(value: str) -> bytes:
    return base64.b64decode(value)


def searched() -> list[str]:
    """What the live index answers, by name, NDC and meaning, with today's queries."""
    index = wiring().index.search
    live = index.live()
    assert live
    found = index.find_named(live.space, [ASPIRIN], 100)[0]
    assert found
    vector = index.text_records(live.space, list(found))[0]
    assert vector
    assert index.nearest_texts(live.space, vector.vector, 3)
    drugs = index.drugs_of_texts(live.generation, list(found), 10, {})
    return sorted(one["ndc"] for each in drugs for one in each.some)


def test_a_sync_goes_on_or_names_the_backfill_that_does(old: Lab) -> None:
    served: list[list[str]] = []

    def ask(_state: str, _event: dict[str, Any], call: Callable[[], Any]) -> Any:
        served.append(searched())
        return call()

    held = old.index.dump()["keys"]
    report = old.run(intercept=ask)
    if report.status != "SUCCEEDED":
        assert report.error == "GenerationMismatch", report.cause
        assert '{"mode": "backfill"}' in str(report.cause)
        assert {key for key in held if key.startswith(("drug:", "text:"))} <= set(
            old.index.dump()["keys"]
        )
    old.succeed("backfill", intercept=ask)
    old.assert_in_step()
    old.succeed(intercept=ask)
    assert len(served) > 10
    # Not one of the searches beside the runs was answered otherwise.
    assert [one for one in served if one != served[0]] == []


def test_what_an_older_run_left_is_read_or_refused_by_name(
    old: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(HOME_VARIABLE, str(old.stack.root))
    monkeypatch.setenv("DRUGSYNC_EMBEDDING_DIMENSIONS", old.settings["embedding_dimensions"])
    assert "old" in CliRunner().invoke(app, ["runs"], terminal_width=200).output
    for line in ("status old", "report old", "logs old", "changes old", "redrive old", "doctor"):
        result = CliRunner().invoke(app, line.split(), terminal_width=200)
        if result.exception and not isinstance(result.exception, SystemExit):
            assert sentence(result.exception), (line, result.exception)
