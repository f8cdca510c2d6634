"""A generation's record, as a hash."""

from typing import Any

from workflow.adapters.redis.client import Command, pairs
from workflow.adapters.redis.keys import GENERATION
from workflow.contract.errors import GenerationMismatch
from workflow.contract.events.files import Baseline
from workflow.contract.ports.documents import Fields
from workflow.contract.ports.generations import Generation


def record_command(generation: Generation) -> Command:
    """The command that records a generation's facts."""
    before = generation.before.model_dump_json() if generation.before else ""
    facts = {
        "space": generation.space,
        "space_revision": generation.space_revision,
        "schema": generation.schema,
        "state": generation.state,
        "run_id": generation.run_id,
        "created_at": generation.created_at,
        "published_at": generation.published_at,
        "published_before": generation.published_before,
        "baseline": generation.baseline.model_dump_json(),
        "before": before,
    }
    return ("HSET", GENERATION + generation.name, *pairs(facts))


def generation_of(name: str, fields: Fields) -> Generation:
    """A record read back. A missing field gets its default."""
    facts: dict[str, Any] = {
        key: fields[key]
        for key in (
            *("space", "space_revision", "schema", "state", "run_id", "created_at"),
            *("published_at", "published_before"),
        )
        if key in fields
    }
    for key in ("baseline", "before"):
        if fields.get(key):
            facts[key] = _baseline(f"{GENERATION}{name}", key, fields[key])
    return Generation(name=name, **facts)


def _baseline(record: str, field: str, value: str) -> Baseline:
    try:
        return Baseline.model_validate_json(value)
    except ValueError as error:
        raise GenerationMismatch(
            f"{record}: {field} is {value[:80]!r}, which no run wrote; delete the field, then "
            "start a backfill"
        ) from error
