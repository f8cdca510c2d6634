"""Write the reference pages of docs/ from the code: python -m tools.reference."""

import re
from pathlib import Path

from pydantic.fields import FieldInfo

from tools.models import docstrings, shown_type
from tools.reference_cli import command_line
from tools.reference_runs import COMMON, redis_rights, run_files
from tools.reference_search import search_api
from tools.reference_stage import stage_file
from tools.server_settings import server_settings
from workflow.contract import errors
from workflow.contract.events.base import Event
from workflow.contract.events.files import Check, GuardResult, LastRun, RejectedRow
from workflow.contract.events.payloads import RunInput
from workflow.contract.events.report import RunReport
from workflow.contract.limits import LIMITS, Limit
from workflow.contract.redis_versions import ADVISORIES, OLDEST_SAFE, Advisory
from workflow.contract.setting_forms import form_of
from workflow.contract.settings import PREFIX, RESULT_SETTINGS, Settings

DOCS = Path(__file__).parents[1] / "docs"

SETTINGS = f"""# Settings

Every function reads its settings from environment variables, `{PREFIX}` and the name in upper
case. An unknown or wrong one stops the run at its first step. `none` unsets a setting that
may be unset. Settings in bold decide what a run writes: when they change between the start of a run
and its last step, the run stops with `SettingsChanged`.

This page is written by `python -m tools.reference`; a test compares the two.

| variable | may be | default | what it is |
|---|---|---|---|
"""


LIMITS_PAGE = """# Limits

What bounds a run, whose limit it is, and how a run stays below it or is refused. Figures of
AWS are those of the pages named; check them for your account.

This page is written by `python -m tools.reference`; a test compares the two.

| limit | figure | what counts | how a run stays below | source |
|---|---|---|---|---|
"""


VERSIONS_PAGE = f"""# Versions of Redis

A run, `drugsync doctor` and a stage's file refuse a Redis with a known fault that lets an attacker
run code. Take {", ".join(OLDEST_SAFE)}, or a newer one *of its branch*: each branch gets its own
fix, so 8.4.0 is older in this than {OLDEST_SAFE[0]}. A branch that is not named has no fix
(8.0), or began after it. A Redis on this machine is not refused: no other machine reaches it.

| advisory | what an attacker may do | fixed in | source |
|---|---|---|---|
"""

VERSIONS_END = """
The release notes of 17 September 2026 (8.10.2, 8.8.3, 8.6.7) name crashes and a right that outlives
its withdrawal, no way to run code: they are not asked for, and worth having. Not verified: what the
branches 8.2 and 8.4 got in September, and anything after November 2026.

This page is written by `python -m tools.reference`; a test compares the two.
"""


ERRORS = """# Named errors

The errors that stop a run. The state machine first retries those with a time in the second column,
page by page. The
message, in the execution and in the run report, has the run, the page and the figures.

This page is written by `python -m tools.reference`; a test compares the two.

| error | retried for | what it means, and what to do |
|---|---|---|
"""


INPUT = """# Input

What an execution takes, as a JSON object. Every field may be left out; the schedule sends `{}`,
and [Starting runs](schedule.md) has inputs to copy. A wrong or unknown field stops the run
before it reads anything (`InvalidInput`).

This page is written by `python -m tools.reference`; a test compares the two.

| field | type | default | what it does |
|---|---|---|---|
"""

REPORT = """# Report

`runs/{run_id}/report.json` in the run bucket, and on this machine
`.local/runs/{run_id}/report.json`; `report.html` beside it is the same for people. The report of a
failed run is assembled from what it left: on this machine always, on AWS by `drugsync report RUN`.
How long
it is kept, and the run's other files: [files of a run](run-files.md).

This page is written by `python -m tools.reference`; a test compares the two.

| field | type | what it is |
|---|---|---|
"""

CLI = """# Command line

`drugsync` works on this machine, and with `--stage` (or `$DRUGSYNC_STAGE`) on AWS. `drugsync
--install-completion` teaches your shell to complete it; `-h` after any command shows its options.
Output has no colours if it is not a terminal, or `NO_COLOR` is set. Ctrl-C stops a local
run; one on AWS goes on.

| exit code | meaning |
|---|---|
| 0 | done |
| 1 | the run failed, a check does not hold, or nothing was found (`search`, `explain`) |
| 2 | wrong usage, or something is missing; the line says what to do |
| 130 | Ctrl-C |

This page is written by `python -m tools.reference`; a test compares the two.
"""


def pages() -> dict[Path, str]:
    """Each page's text."""
    return {
        DOCS / "input.md": INPUT + "".join(_input_line(*one) for one in _fields(RunInput)),
        DOCS / "report.md": REPORT + _report(),
        DOCS / "cli.md": CLI + command_line(),
        DOCS / "settings.md": SETTINGS + "".join(map(_line, Settings.model_fields)),
        DOCS / "run-files.md": run_files(),
        DOCS / "redis-rights.md": redis_rights(),
        DOCS / "limits.md": LIMITS_PAGE + "".join(map(_limit_line, LIMITS)),
        DOCS / "search-api.md": search_api(),
        DOCS / "server-settings.md": server_settings(),
        DOCS / "stage-file.md": stage_file(),
        DOCS / "redis-versions.md": VERSIONS_PAGE
        + "".join(map(_advisory_line, ADVISORIES))
        + VERSIONS_END,
        DOCS / "errors.md": ERRORS + "".join(map(_error_line, named_errors())),
    }


def _advisory_line(one: Advisory) -> str:
    return f"| {', '.join(one.names)} | {one.about} | {', '.join(one.fixed_in)} | {one.source} |\n"


def named_errors() -> list[type[errors.SyncError]]:
    """Every error that is raised: the leaves of the tree, in its order."""
    found = [one for one in vars(errors).values() if isinstance(one, type)]
    tree = [one for one in found if issubclass(one, errors.SyncError)]
    return [one for one in tree if not one.__subclasses__()]


def _fields(model: type[Event]) -> list[tuple[str, FieldInfo, str]]:
    """Name, field and the docstring below it."""
    docs = docstrings(model)
    fields = model.model_fields.items()
    return [(name, field, docs.get(name) or COMMON.get(name, "")) for name, field in fields]


def _input_line(name: str, field: FieldInfo, doc: str) -> str:
    default = "`null`" if field.default is None else f"`{_json(field.default)}`"
    return f"| `{name}` | {shown_type(field.annotation)} | {default} | {doc} |\n"


def _json(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return "[]" if value == () else f'"{value}"' if isinstance(value, str) else str(value)


def _report() -> str:
    lines = [_report_line(*one) for one in _fields(RunReport)]
    for model in (Check, GuardResult, RejectedRow, LastRun):
        lines.append(f"\n## {model.__name__}\n\n| field | type | what it is |\n|---|---|---|\n")
        lines += [_report_line(*one) for one in _fields(model)]
    return "".join(lines)


def _report_line(name: str, field: FieldInfo, doc: str) -> str:
    return f"| `{name}` | {shown_type(field.annotation)} | {doc} |\n"


def _limit_line(limit: Limit) -> str:
    source = re.sub(r"https://\S+?(?=,|$)", r"<\g<0>>", limit.source)
    return f"| {limit.name} | {limit.figure} | {limit.bounds} | {limit.kept} | {source} |\n"


def _error_line(error: type[errors.SyncError]) -> str:
    meaning = " ".join((error.__doc__ or "").split())
    lasts = f"{error.retry.mean_s / 60:.0f} min" if error.retry else ""
    return f"| `{error.__name__}` | {lasts} | {meaning} |\n"


def _line(name: str) -> str:
    field = Settings.model_fields[name]
    shown = f"`{PREFIX}{name.upper()}`"
    if name in RESULT_SETTINGS:
        shown = f"**{shown}**"
    default = "required" if field.is_required() else f"`{field.default!r}`"
    form = form_of(Settings, name).replace("|", "\\|")
    form = re.sub(r"\^\S+", r"`\g<0>`", form)
    return f"| {shown} | {form} | {default} | {field.description} |\n"


def write() -> None:
    """Write every page."""
    for path, text in pages().items():
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    write()
