"""A stage file and an environment take the same settings, whatever the value."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from infra.stage.settings import BY_THE_STAGE, variables
from infra.stage.stage import StageInvalid, load_stage
from workflow.contract.errors import SettingsInvalid
from workflow.contract.settings import PREFIX, Settings

STAGES = Path(__file__).parent / "stages"
BY_NAME = Settings.model_json_schema()["properties"]
OWN = sorted(set(Settings.model_fields) - BY_THE_STAGE)

LEAST = {
    "run_bucket": "runs-of-tests",
    "catalog_table": "drugs",
    "mysql_host": "mysql",
    "mysql_database": "drugs",
    "redis_url": "rediss://redis:6379",
}
ANYWHERE: tuple[object, ...] = ("", "none", "abc", " ", True, False, 0, -1, 1, 1.5, 1e9, "1.0")
TOGETHER: list[dict[str, object]] = [
    {"embedding_model": "gpt-9"},
    {"embedding_model": "amazon.titan-embed-text-v1"},
    {"embedding_model": "amazon.titan-embed-text-v1", "embedding_dimensions": 1536},
    {"embedding_model": "us.cohere.embed-v4:0", "embedding_dimensions": 1536},
    {"embedding_model": "us.cohere.embed-v4:*", "embedding_dimensions": 1536},
    {"embedding_dimensions": 384},
    {"embedding_dimensions": 256},
    {"embedding_template": "{nope}"},
    {"embedding_template": "no column"},
    {"embedding_template": "{drug_name}"},
    {"embedding_template": "{drug_name!r}"},
    {"index_algorithm": "hnsw"},
    {"index_algorithm": "SVS-VAMANA", "index_compression": "LVQ8"},
    {"golden_queries_key": "runs/judge.json"},
    {"golden_queries_key": "golden/*"},
    {"golden_queries_key": "golden/queries.json"},
    {"indexm": 16},
]


def edges(name: str) -> Iterator[object]:
    """Values at, inside and outside the limits of a setting."""
    for form in BY_NAME[name].get("anyOf", [BY_NAME[name]]):
        for limit in (form.get("minimum"), form.get("maximum")):
            step = 1 if form["type"] == "integer" else 0.001
            if limit is not None:
                yield from (limit - step, limit, limit + step)
        yield from form.get("enum", [])
    yield from ANYWHERE


CASES = [{name: value} for name in OWN for value in edges(name)] + TOGETHER


def by_environment(table: dict[str, object]) -> str:
    """What is wrong; empty where nothing is."""
    try:
        Settings.from_environment(variables({**LEAST, **table}))
    except SettingsInvalid as error:
        return str(error)
    return ""


def by_stage_file(table: dict[str, object], folder: Path) -> str:
    lines = "".join(f"{name} = {json.dumps(value)}\n" for name, value in table.items())
    # Beside the model's own limits, a stage must fit the account's quota of functions.
    text = (STAGES / "mixed.toml").read_text().replace("= 1000", "= 2000", 1)
    (folder / "stage.toml").write_text(f"{text}\n[settings]\n{lines}")
    try:
        load_stage(folder / "stage.toml")
    except StageInvalid as error:
        return str(error)
    return ""


def test_both_doors_take_and_refuse_the_same(tmp_path: Path) -> None:
    differences = [
        case for case in CASES if bool(by_environment(case)) != bool(by_stage_file(case, tmp_path))
    ]
    assert differences == []
    assert len(CASES) > 400


@pytest.mark.parametrize("name", [one for one in OWN if "minimum" in json.dumps(BY_NAME[one])])
def test_the_last_value_inside_a_limit_is_taken_and_the_first_outside_refused(
    tmp_path: Path, name: str
) -> None:
    form = BY_NAME[name].get("anyOf", [BY_NAME[name]])[0]
    step = 1 if form["type"] == "integer" else 0.001
    for limit, outside in (("minimum", -step), ("maximum", step)):
        if limit in form:
            assert by_stage_file({name: form[limit]}, tmp_path) == ""
            refused = by_stage_file({name: form[limit] + outside}, tmp_path)
            assert f"settings.{name}: must be" in refused
            assert f"{form[limit]:g}" in refused
            assert "leave it out for" in refused
            assert f"{PREFIX}{name.upper()} must be" in by_environment(
                {name: form[limit] + outside}
            )


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("index_m", 1, "must be a whole number from 2 to 512, or none; leave it out for 16"),
        ("index_algorithm", "hnsw", "must be one of FLAT, HNSW, SVS-VAMANA; leave it out for HNSW"),
        ("indexm", 16, "is not a setting; the nearest is index_m"),
        ("mysql_host", "x", "follows from the other tables of the stage file; leave it out"),
        ("index_m", [16], "must be one text, number, true or false"),
    ],
)
def test_a_refusal_names_the_setting_its_limit_and_what_to_do(
    tmp_path: Path, name: str, value: Any, reason: str
) -> None:
    assert f"settings.{name}: {reason}" in by_stage_file({name: value}, tmp_path)


def test_every_wrong_setting_is_named_at_once(tmp_path: Path) -> None:
    refused = by_stage_file({"index_m": 1, "budget_usd": -1, "verify_recall": 2}, tmp_path)
    for name in ("index_m", "budget_usd", "verify_recall"):
        assert f"settings.{name}: " in refused
