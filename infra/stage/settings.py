"""The `[settings]` table of a stage file, and the environment variables that it becomes.

The model that every function reads decides what it may say, from exactly the text that the function
will read. A setting that the table leaves out is an empty variable: the model's default.
"""

from collections.abc import Mapping

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
