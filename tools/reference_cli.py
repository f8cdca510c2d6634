"""docs/cli.md from the commands themselves."""

import re
from collections.abc import Iterator
from types import UnionType
from typing import Any, get_args, get_origin

import typer.main
from pydantic import BaseModel
from typer.core import TyperArgument

from cli.app import app
from cli.documents import DOCUMENTS
from cli.verbs import VERBS, Late
from tools.models import described, shown_type
from workflow.contract.events.payloads import RunInput
from workflow.contract.events.report import RunReport

Command = Any
"""A click command; typer brings its own copy of click's classes."""


def command_line() -> str:
    """A section for each command, in the order of `drugsync --help`."""
    root = typer.main.get_command(app)
    sections = []
    for path, command in commands(root):
        lines = [f"\n## drugsync {path}\n", f"\n{_plain(command.help or '')}\n", *_options(command)]
        if path in VERBS and VERBS[path].examples:
            shown = "\n".join(f"drugsync {line}" for line in VERBS[path].examples)
            lines.append(f"\n```sh\n{shown}\n```\n")
        if path in DOCUMENTS:
            lines.append(f"\n`--json` prints {_document(DOCUMENTS[path])}.\n")
        sections.append("".join(lines))
    return "".join([*sections, JSON, *_documents()])


JSON = """
## JSON documents

`--json` prints exactly one document on stdout. Progress and hints go to stderr. Terminal control
characters are escaped. New fields may be added at any time; if a field is removed or changes its
meaning, the changelog says so.
"""


MEANINGS = {
    "mysql": "the catalog's server",
    "redis_url": "as redis-py takes it",
    "redis_version": "the server's",
    "bedrock_endpoint": "address of the stand-in",
    "settings": "name -> value",
    "version": "the server's kind and version",
    "host": "loopback",
    "port": "TCP port",
    "socket": "unix socket",
    "user": "without a password, on this machine only",
    "database": "the catalog's",
    "stopped": "names of what ran",
    "source": "what was loaded",
    "rows": "drugs",
    "seconds": "how long it took",
    "run_id": "the execution's name",
    "stage": "the stage's name",
    "status": "as Step Functions says it",
    "started_at": "when it began",
    "ended_at": "none while it runs",
    "maps": "each distributed Map that has begun",
    "error": "its name, if it failed",
    "cause": "the error's words",
    "state": "the Map's name",
    "total": "its pages",
    "done": "pages that ended well",
    "failed": "pages that failed",
    "running": "pages that are worked on",
    "ended": "no page is left",
    "ndc": "the drug's key",
    "kind": "what becomes of the drug",
    "columns": "column by column",
    "column": "its name",
    "before": "the value, or the generation, before",
    "after": "the value after",
    "at": "when",
    "function": "its state's name",
    "message": "what it said",
    "generation": "the live generation",
    "built_at": "when it was built",
    "added": "drugs that the next sync adds",
    "changed": "drugs that the next sync writes again",
    "removed": "drugs that the next sync removes",
    "verification": "each check with its figures, as in [a run's file](run-files.md#verification)",
    "check": "what was looked at",
    "ok": "whether all is well",
    "found": "what there is",
    "advice": "what to do; empty if all is well",
    "in_catalog": "its row is there now",
    "in_index": "its document is there",
    "text": "what was embedded",
    "space": "what the live vectors are comparable with",
    "written_at": "when its document was written",
    "place": "its place in the answer to the query",
    "failures": "part -> why it could not be asked",
    "catalog": "the value in the row",
    "index": "the value in the document",
    "hash": "the text's",
    "tokens": "what the model counted",
    "query": "what was asked",
    "products": "how many the answer has",
    "why_not": "why it is not in the answer",
}
"""What fields mean where their models say no more."""


def _document(kind: Any) -> str:
    """`RunReport` or a list of them, linked."""
    if get_origin(kind) is list:
        return f"a list: each is {_document(get_args(kind)[0])}"
    if get_origin(kind) is UnionType:
        return " or ".join(map(_document, get_args(kind)))
    name = kind.__name__
    article = "an" if name[0] in "AEIO" else "a"
    return f"{article} [{name}]({'report.md' if kind is RunReport else '#' + name.lower()})"


def _documents() -> Iterator[str]:
    """A table for each model that a document is made of, once; the report has a page of its own."""
    done = {RunReport, RunInput}
    for kind in DOCUMENTS.values():
        for model in _models(kind, done):
            yield f"\n### {model.__name__}\n\n{_first_line(model)}\n\n"
            yield "| field | type | what it is |\n|---|---|---|\n"
            for name, annotation, doc in described(model):
                meaning = _plain(doc or MEANINGS.get(name, ""))
                yield f"| `{name}` | {shown_type(annotation)} | {meaning} |\n"


def _models(kind: Any, done: set[Any]) -> Iterator[type[BaseModel]]:
    """The models within a type, outer ones first."""
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        if kind in done:
            return
        done.add(kind)
        yield kind
        for field in kind.model_fields.values():
            yield from _models(field.annotation, done)
    for part in get_args(kind):
        yield from _models(part, done)


def _first_line(model: type[BaseModel]) -> str:
    return (model.__doc__ or "").strip().partition("\n")[0]


def commands(group: Command, prefix: str = "") -> Iterator[tuple[str, Command]]:
    """Every command with its full name."""
    for name, listed in group.commands.items():
        command = listed.itself if isinstance(listed, Late) else listed
        if hasattr(command, "commands"):
            yield from commands(command, f"{prefix}{name} ")
        else:
            yield f"{prefix}{name}", command


def _options(command: Command) -> list[str]:
    rows = [_row(one) for one in command.params if one.name != "help"]
    head = "\n| argument or option | default | what it does |\n|---|---|---|\n"
    return [head, *rows] if rows else []


def _row(one: Any) -> str:
    if isinstance(one, TyperArgument):
        shown = f"`{one.metavar or (one.name or '').upper()}`"
    else:
        shown = ", ".join(f"`{name}`" for name in one.opts)
    default = "" if one.default in (None, False, ()) or callable(one.default) else one.default
    return f"| {shown} | {default} | {_plain(one.help or '')} |\n"


def _plain(text: str) -> str:
    """Without rich's markup; one line."""
    return " ".join(re.sub(r"\[/?[a-z ]*\]", "", text).split()).replace("|", "\\|")
