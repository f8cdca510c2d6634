"""Write docs/settings.md and docs/errors.md from the code: python -m cli.reference."""

from pathlib import Path
from typing import get_args, get_origin

from workflow import errors
from workflow.settings import PREFIX, RESULT_SETTINGS, Settings

DOCS = Path(__file__).parents[1] / "docs"

SETTINGS = f"""# Settings

Every function reads its settings from environment variables, `{PREFIX}` and the name in upper
case. An unknown or wrong one stops the run at its first step, by name. `none` unsets a setting that
may be unset. The bold ones decide what a run writes: when they change between the start of a run
and its last step, the run stops with `SettingsChanged`.

This page is written by `python -m cli.reference`; a test compares the two.

| variable | type | default | what it is |
|---|---|---|---|
"""


ERRORS = """# Named errors

What a run stops on. The state machine retries those marked so, page by page, before it fails. The
message, in the execution and in the run report, has the run, the page and the figures.

This page is written by `python -m cli.reference`; a test compares the two.

| error | retried | what it means, and what to do |
|---|---|---|
"""


def pages() -> dict[Path, str]:
    """Each page's text."""
    return {
        DOCS / "settings.md": SETTINGS + "".join(map(_line, Settings.model_fields)),
        DOCS / "errors.md": ERRORS + "".join(map(_error_line, named_errors())),
    }


def named_errors() -> list[type[errors.SyncError]]:
    """Every error that is raised: the leaves of the tree, in its order."""
    found = [one for one in vars(errors).values() if isinstance(one, type)]
    tree = [one for one in found if issubclass(one, errors.SyncError)]
    return [one for one in tree if not one.__subclasses__()]


def _error_line(error: type[errors.SyncError]) -> str:
    meaning = " ".join((error.__doc__ or "").split())
    return f"| `{error.__name__}` | {'yes' if error.retried else ''} | {meaning} |\n"


def _line(name: str) -> str:
    field = Settings.model_fields[name]
    shown = f"`{PREFIX}{name.upper()}`"
    if name in RESULT_SETTINGS:
        shown = f"**{shown}**"
    default = "required" if field.is_required() else f"`{field.default!r}`"
    return f"| {shown} | {_type(field.annotation)} | {default} | {field.description} |\n"


def _type(annotation: object) -> str:
    parts = get_args(annotation)
    if not parts:
        return getattr(annotation, "__name__", str(annotation))
    if get_origin(annotation).__name__ == "Literal":  # type: ignore[union-attr]
        return " or ".join(f"`{part}`" for part in parts)
    return " or ".join("none" if part is type(None) else _type(part) for part in parts)


if __name__ == "__main__":
    for path, text in pages().items():
        path.write_text(text, encoding="utf-8")
