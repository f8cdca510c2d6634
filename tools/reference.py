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

Every function reads its settings from environment variables: `{PREFIX}` and the name in upper
case. An unknown or invalid setting stops the run at its first step. For optional settings, the
value `none` means unset. Settings in bold affect what a run writes: if one changes during a run,
the run stops with `SettingsChanged`.

This page is written by `python -m tools.reference`; a test compares the two.

| variable | may be | default | what it is |
|---|---|---|---|
"""


LIMITS_PAGE = """# Limits

The limits of a run, where they come from, and how a run stays below them or is refused. AWS
figures are from the linked pages; check them for your account.

This page is written by `python -m tools.reference`; a test compares the two.

| limit | figure | what counts | how a run stays below | source |
|---|---|---|---|---|
"""


VERSIONS_PAGE = f"""# Redis versions

Runs, `drugsync doctor` and the stage file refuse Redis versions with a known vulnerability that
lets an attacker run code. Use {", ".join(OLDEST_SAFE)}, or a newer version *of the same branch*:
each branch gets its own fix, so 8.4.0 does not have the fix of {OLDEST_SAFE[0]}. A branch that is
not listed has no fix (8.0), or is newer than the fix. A Redis on the local machine is not refused,
because other machines cannot reach it.

| advisory | what an attacker may do | fixed in | source |
|---|---|---|---|
"""

VERSIONS_END = """
The release notes of 17 September 2026 (8.10.2, 8.8.3, 8.6.7) fix crashes and a permission that
stays valid after it is revoked, but no code execution. These versions are recommended, not
required. Not verified: the September fixes in branches 8.2 and 8.4, and anything after November
2026.

This page is written by `python -m tools.reference`; a test compares the two.
"""


ERRORS = """# Named errors

These errors stop a run. The state machine first retries those with a time in the second column,
page by page. The message, in the execution and in the run report, contains the run, the page and
the values.

This page is written by `python -m tools.reference`; a test compares the two.

| error | retried for | meaning, and what to do |
|---|---|---|
"""


INPUT = """# Input

The input of an execution is a JSON object. Every field is optional. The schedule sends `{}`;
[Starting runs](schedule.md) has inputs to copy. An invalid or unknown field stops the run before
it reads anything (`InvalidInput`).

This page is written by `python -m tools.reference`; a test compares the two.

| field | type | default | what it does |
|---|---|---|---|
"""

REPORT = """# Report

`runs/{run_id}/report.json` in the run bucket, and on this machine
`.local/runs/{run_id}/report.json`; `report.html` next to it has the same content as a page. The
report of a failed run is assembled from the files it left: always on one machine, and on AWS by
`drugsync report RUN`. [Files of a run](run-files.md) has the run's other files and how long they
are kept.

This page is written by `python -m tools.reference`; a test compares the two.

| field | type | what it is |
|---|---|---|
"""

CLI = """# Command line

`drugsync` works on this machine and, with `--stage` (or `$DRUGSYNC_STAGE`), on AWS. `drugsync
--install-completion` adds tab completion to your shell; `-h` after any command shows its options.
Output has no colors if it is not a terminal or if `NO_COLOR` is set. Ctrl-C stops a local run; a
run on AWS continues.

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
