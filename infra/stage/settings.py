"""The `[settings]` table of a stage file, and the environment variables that it becomes.

The model that every function reads decides what it may say, from exactly the text that the function
will read. A setting that the table leaves out is an empty variable: the model's default.
"""

import json
from collections.abc import Mapping
from typing import Final

from workflow.contract.errors import SettingsInvalid
from workflow.contract.setting_forms import Problem
from workflow.contract.settings import PREFIX, Settings

BY_THE_STAGE = frozenset(
    name
    for name in Settings.model_fields
    if name in {"run_bucket", "catalog_table"}
    or (name.startswith(("mysql_", "redis_")) and not name.endswith("_timeout_s"))
)
"""Settings that are derived from the other tables."""

ENVIRONMENT_BYTES: Final = 4_096
"""Lambda's limit for all variables of a function together:
https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html"""
BY_AWS: Final = "x" * 160
"""In place of a host or ARN of something that does not exist yet; AWS makes none that is longer."""


class TableInvalid(Exception):
    """The table is wrong; `problems` has each setting with the reason."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("; ".join(" ".join(problem) for problem in problems))
        self.problems = problems


def read_table(table: Mapping[str, object], known: Mapping[str, object]) -> Settings:
    """The settings of a table beside those `known` from the rest of the stage, or TableInvalid."""
    if problems := [*_not_here(table), *_no_text(table)]:
        raise TableInvalid(problems)
    try:
        return Settings.from_environment(variables({**known, **table}))
    except SettingsInvalid as error:
        raise TableInvalid(list(error.problems)) from error


def variables(values: Mapping[str, object]) -> dict[str, str]:
    """Settings by name as environment variables, in order."""
    return {PREFIX + name.upper(): _text(values[name]) for name in sorted(values)}


def too_large(table: Mapping[str, object], known: Mapping[str, object]) -> list[str]:
    """Why Lambda would refuse the environment; `known` are the settings outside the table."""
    values = {**dict.fromkeys(Settings.model_fields, ""), **known, **table}
    size = len(json.dumps(variables(values), ensure_ascii=False).encode())
    if size <= ENVIRONMENT_BYTES:
        return []
    texts = {name: len(value) for name, value in table.items() if isinstance(value, str)}
    longest = sorted(texts, key=lambda name: -texts[name])[:3]
    named = ", ".join(f"{name} ({texts[name]:,})" for name in longest)
    return [
        f"settings: as environment variables they take {size:,} of the {ENVIRONMENT_BYTES:,} bytes "
        f"that a function may have; shorten the longest: {named}"
    ]


def _not_here(table: Mapping[str, object]) -> list[Problem]:
    reason = "follows from the other tables of the stage file; leave it out"
    return [(name, reason) for name in table if name in BY_THE_STAGE]


def _no_text(table: Mapping[str, object]) -> list[Problem]:
    """An environment variable can hold neither a list nor a table nor a date."""
    reason = "must be one text, number, true or false"
    return [
        (name, reason) for name, value in table.items() if not isinstance(value, str | int | float)
    ]


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
