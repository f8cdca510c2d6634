"""No text of a stage file becomes a command, another resource of a policy, or another template."""

from __future__ import annotations

import copy
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from infra.stage.stage import Stage

STAGES = Path(__file__).parent / "stages"
HOSTILE = (
    *("x'; touch /tmp/owned; '", 'x"; touch /tmp/owned; "', "x$(touch /tmp/owned)", "x`id`"),
    *("x\ntouch /tmp/owned", "x*", "*", "x?", "x${AWS::AccountId}", "x{{resolve:ssm:a}}", "x y|z"),
    *("../../etc/passwd", "x\u202ey", "x\x00y", "x#{Token[TOKEN.1]}"),
)

NO_PATHS = {
    *("redis.existing.memory_metric.namespace", "redis.existing.memory_metric.name"),
    "redis.existing.memory_metric.dimensions.CacheClusterId",
    *("search.issuer", "search.audience", "search.scopes", "settings.embedding_model"),
}
"""Nothing is opened by these: two dots mean nothing in them."""

EXTRA: dict[str, Any] = {
    "existing": {"log_retention_days": 30},
    "created": {"kms_key_arn": "arn:aws:kms:us-east-1:111122223333:key/0a1b2c3d-4e5f"},
}


def stages() -> Iterator[tuple[str, dict[str, Any]]]:
    for name in ("created", "existing", "mixed"):
        stage = tomllib.loads((STAGES / f"{name}.toml").read_text()) | EXTRA.get(name, {})
        stage["schedule"] = {"expression": "cron(0 3 * * ? *)", "time_zone": "UTC"}
        stage["mysql"] |= {"ca_file": "infra/certificates/rds-roots.pem"}
        stage["mysql"].setdefault("user", "reader")
        yield name, stage


def texts(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path of every text in a stage."""
    if isinstance(value, str):
        yield path
    if isinstance(value, dict):
        for key, one in value.items():
            yield from texts(one, (*path, key))
    if isinstance(value, list):
        for number, one in enumerate(value):
            yield from texts(one, (*path, number))


def put(stage: dict[str, Any], path: tuple[Any, ...], text: str) -> dict[str, Any]:
    changed = copy.deepcopy(stage)
    place: Any = changed
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = text
    return changed


def named(path: tuple[Any, ...]) -> str:
    return ".".join(str(one) for one in path if not isinstance(one, int))


PLACES = [(name, path) for name, stage in stages() for path in texts(stage)]


@pytest.mark.parametrize(
    ("name", "path"), PLACES, ids=lambda one: one if isinstance(one, str) else named(one)
)
def test_a_hostile_text_is_refused(name: str, path: tuple[Any, ...]) -> None:
    stage = dict(stages())[name]
    Stage.model_validate(stage)
    taken = []
    for text in HOSTILE:
        for value in (text, f"{_at(stage, path)}{text}"):
            try:
                Stage.model_validate(put(stage, path, value))
            except ValidationError:
                continue
            taken.append(value)
    if named(path) in NO_PATHS:
        taken = [one for one in taken if not one.endswith("../../etc/passwd")]
    assert taken == []


def _at(stage: Any, path: tuple[Any, ...]) -> str:
    for key in path:
        stage = stage[key]
    return str(stage)


def test_the_walk_finds_the_texts_that_reach_a_shell_or_a_policy() -> None:
    found = {named(path) for _, path in PLACES}
    assert found >= {
        *("redis.create.package", "redis.create.package_sha256", "mysql.user", "mysql.ca_file"),
        *("redis.existing.secret_arn", "settings.golden_queries_key", "settings.embedding_model"),
        *("search.redis_secret_key_arn", "alarms.emails", "kms_key_arn", "region", "name"),
    }
