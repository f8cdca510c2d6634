"""docs/stage-file.md, from the models of infra/stage."""

import re
from collections.abc import Iterator

from pydantic import BaseModel

from infra.stage.sections import mysql, network, operation, redis, search
from infra.stage.stage import Stage
from tools.models import described
from workflow.contract.setting_forms import form_of

PAGE = """# Stage file

`stages/STAGE.toml` holds everything that differs between two deployments. Copy `stages/dev.toml`
(everything is created) or `stages/prod.toml` (everything exists); `vpc`, `mysql` and `redis` each
need either a table `existing` or a table `create`, independently of each other. An unknown or
invalid field stops `make synth`, which names the field and the reason, without any call to AWS.

No field contains a password, only ARNs of secrets. The database's secret has `username` and
`password`; the secret of Redis has `password` and, if the server has users, `username`.

This page is written by `python -m tools.reference`; a test compares the two.

## Top of the file
"""

TABLES: tuple[tuple[str, type[BaseModel]], ...] = (
    ("[vpc.existing]", network.ExistingVpc),
    ("[vpc.create]", network.NewVpc),
    ("[mysql]", mysql.MysqlSection),
    ("[mysql.existing]", mysql.ExistingMysql),
    ("[mysql.create]", mysql.NewMysql),
    ("[redis.existing]", redis.ExistingRedis),
    ("[redis.existing.memory_metric]", redis.MemoryMetric),
    ("[redis.create]", redis.NewRedis),
    ("[schedule]", operation.ScheduleSection),
    ("[alarms]", operation.AlarmSection),
    ("[search]", search.SearchSection),
)

SETTINGS = """
## [settings]

The workflow's [settings](settings.md), with the same names and limits: model, dimensions, tokens
per minute, guards.
"""

FIELDS = "\n| field | may be | default | what it is |\n|---|---|---|---|\n"


def stage_file() -> str:
    """The page: the top of the file, then each table."""
    parts = [PAGE, FIELDS, *_rows(Stage)]
    for name, model in TABLES:
        meaning = " ".join((model.__doc__ or "").split())
        parts += [f"\n## {name}\n\n{meaning}\n" if meaning else f"\n## {name}\n", FIELDS]
        parts += _rows(model)
    return "".join([*parts, SETTINGS])


def _rows(model: type[BaseModel]) -> Iterator[str]:
    for name, _, meaning in described(model):
        field = model.model_fields.get(name)
        form = form_of(model, name)
        if field is None or form.startswith("a table"):
            continue
        default = "required" if field.is_required() else _shown(field.default)
        yield f"| `{name}` | {_short(form)} | {default} | {meaning} |\n"


def _short(form: str) -> str:
    """Without patterns, which say less to a reader than the meaning."""
    return re.sub(r" of the form \^.*\$", "", form)


def _shown(default: object) -> str:
    if default in (None, "", ()):
        return "none"
    return f"`{str(default).lower() if isinstance(default, bool) else default}`"
