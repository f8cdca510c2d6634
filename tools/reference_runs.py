"""docs/run-files.md and docs/redis-rights.md, from the models, the functions and the code."""

import ast
import json
import re
from collections.abc import Iterator
from fnmatch import fnmatch
from functools import cache
from pathlib import Path
from typing import NamedTuple

from pydantic import BaseModel

from infra.compute.specs import EVERY, NOTIFIER, SPECS
from infra.stage.stage import Stage
from tools.diagram import read_definition
from tools.models import described, shown_type
from workflow.contract import rights, runs, versions
from workflow.contract.events import files, payloads
from workflow.contract.events.report import RunReport

ROOT = Path(__file__).parents[1]


KEPT_DAYS = Stage.model_fields["runs_kept_days"].default


class RunFile(NamedTuple):
    """One kind of file. `constant` is its name in `workflow/contract/runs.py`."""

    constant: str
    model: type[BaseModel] | None
    what: str
    manifest: bool = False
    noted: bool = False
    """For its writer's own next try."""

    @property
    def name(self) -> str:
        return str(getattr(runs, self.constant)).replace("{}", "{page}")


FILES = (
    RunFile("PLAN", payloads.Plan, "what PlanPages decided"),
    RunFile("BASELINE", files.Baseline, "the live generation at its last full publish"),
    RunFile("PAGES", payloads.PageRange, "the catalog's key ranges", manifest=True),
    RunFile("TEXTS_AGAIN", None, "lines with texts to embed again: refused or doubtful ones"),
    RunFile("DIFF_SUMMARY", files.PageDiff, "what one page's comparison found"),
    RunFile(
        "DIFF_CHANGES",
        None,
        "lines: documents to write, keys to remove, hashes of unchanged documents",
    ),
    RunFile("DIFF_TEXTS", None, "lines with texts that have no valid record yet"),
    RunFile("TEXTS_CUT", files.TextsCut, "progress of merging the texts"),
    RunFile("REVIEW", files.Review, "the plan in figures, with its guards"),
    RunFile("EMBED_MANIFEST", payloads.TextsPage, "pages of texts to embed", manifest=True),
    RunFile("EMBED_TEXTS", None, "lines with the texts of one such page"),
    RunFile("LOAD_MANIFEST", payloads.ChangesPage, "pages whose documents change", manifest=True),
    RunFile("EMBED_SUMMARY", files.PageEmbedded, "the outcome of one page of texts"),
    RunFile("LOAD_SUMMARY", files.PageLoaded, "what one page wrote"),
    RunFile("VERIFY_SUMMARY", files.VerifiedPage, "one page compared with a second read of MySQL"),
    RunFile(
        "VERIFY_BUILDING",
        files.Building,
        "progress of the texts' index while a page waited",
        noted=True,
    ),
    RunFile(
        "BUILDING", files.Building, "the progress of an index that is still being built", noted=True
    ),
    RunFile("GOLDEN", files.GoldenVectors, "vectors of the golden queries"),
    RunFile("VERIFICATION", files.Verification, "each check with its figures"),
    RunFile("PUBLISH_BUILDING", files.Building, "the same, right before the switch", noted=True),
    RunFile(
        "PUBLISH",
        files.Switched,
        "the switch: written before it, after it, and again if Redis lost it",
    ),
    RunFile("REPORT", RunReport, "what the run did"),
    RunFile("REPORT_PAGE", None, "the report as a page"),
)

RUN_FILES = f"""# Files of a run

Every state stores its results under `runs/{{run_id}}/` in the run bucket; on one machine under
`.local/runs/{{run_id}}/`. Only the function in the table may write a file; later states read it
from there. `{{page}}` is a five-digit number.

- **How long**: {KEPT_DAYS} days on AWS, or `runs_kept_days` in the stage file; then the bucket
  deletes them. On one machine they stay until you delete them. The next run needs only what is in
  Redis, so you may delete runs that have ended.
- **Format**: a JSON object with a field `file`, or gzipped lines, the first of which has that
  field: `{{"seal": ..., "model": ..., "version": {versions.FILES}, "execution": ...}}`; for lines
  it also has their number and size in bytes. A file of another version is refused
  (`SettingsChanged`), a file of another execution of the same name counts as missing
  (`RunFileMissing`), and a truncated or damaged file is `RunFileCorrupt`. Manifests are plain JSON
  arrays without that field, because Step Functions reads them; each item has a seal.
- **Seal**: a keyed digest (BLAKE2b-128) of a file's name and content. The key is in the payload
  that Step Functions passes from state to state, and in no file. A file that someone else wrote to
  the bucket, or copied from another page or run, is `RunFileCorrupt`, and is not decompressed into
  memory.
- A catalog of more than {runs.TEXTS_A_PART:,} rows has its new texts in several parts
  (`diff/{{page}}.texts-1.jsonl.gz` and so on), divided by hash.
- `failure.json` is written by the function that reports failures, `{NOTIFIER.state}`.

This page is written by `python -m tools.reference`; a test compares the two.

| file | content | model | written by | read by |
|---|---|---|---|---|
"""

COMMON = {
    "page": "the page's name: its number",
    "seal": "proof that this run wrote it",
    "timing": "start and end of the work on the page",
    "profile": "column -> statistics of its values",
    "samples": "the first keys of each kind",
    "generation": "its name",
    "run_id": "the execution's name",
    "started_at": "when it began",
    "duration_s": "seconds",
    "text_hash": "hash of the text",
    "ndc": "the drug's key",
    "catalog_rows": "rows that were read",
    "rows": "rows of the catalog",
    "added": "new drugs",
    "changed": "drugs with another document",
    "removed": "drugs that the catalog no longer has",
    "unchanged": "drugs whose document stays",
    "rejected": "rows left out because of a value",
    "texts_embedded": "texts that the run embedded",
    "texts_reused": "written drugs whose text was already embedded",
    "tokens": "what the model counted",
    "estimated_usd": "the plan's estimate of the model's price",
    "guard": "its name, as `accept` takes it",
}
"""What fields mean that several models have, where the model itself says no more."""

FIELDS = "| field | type | what it is |\n|---|---|---|\n"

RIGHTS = """# Redis permissions

Each function logs in as one of these users, which have exactly these rights. The list is in
`workflow/contract/rights.py`. A Redis that the deployment creates has these users. On your own
Redis, create them with the commands below; a missing right is `IndexAccessDenied`. Tests run the
whole workflow, every command and the searches with exactly these rights.

| user | functions | keys |
|---|---|---|
"""

RIGHTS_END = """
`staged:*` are documents that a sync has written but not yet switched to; `undo:*` are the
documents from before its last switch. `drugs` and `texts` are the aliases of the live indexes. The
key patterns use `~` instead of `%R~`, because the query engine treats an index name as a written
key and refuses `FT.SEARCH` to a user with `%R~`. The granted commands determine what a user may
write.

This page is written by `python -m tools.reference`; a test compares the two.
"""


def run_files() -> str:
    """The table of files, and the fields of each model."""
    rows = "".join(
        f"| `{one.name}` | {one.what} | {_linked(one)} | {', '.join(writers(one))} | "
        f"{', '.join(readers(one))} |\n"
        for one in FILES
    )
    return RUN_FILES + rows + "".join(_fields(model) for model in _models())


def _linked(file: RunFile) -> str:
    if file.model is None:
        return "page" if file.name.endswith(".html") else "lines"
    if file.model is RunReport:
        return "[RunReport](report.md)"
    name = file.model.__name__
    return f"{'list of ' if file.manifest else ''}[{name}](#{name.lower()})"


def _models() -> Iterator[type[BaseModel]]:
    """Those of the files, each followed by the models of its fields."""
    done: set[type[BaseModel]] = {RunReport, payloads.RunInput}
    waiting = [one.model for one in FILES if one.model]
    while waiting:
        model = waiting.pop(0)
        if model in done:
            continue
        done.add(model)
        yield model
        waiting[:0] = [one for field in described(model) for one in _inside(field[1])]


def _inside(annotation: object) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in getattr(annotation, "__args__", ()):
        yield from _inside(part)


def _fields(model: type[BaseModel]) -> str:
    rows = "".join(
        f"| `{name}` | {shown_type(annotation)} | {doc or COMMON.get(name, '')} |\n"
        for name, annotation, doc in described(model)
    )
    meaning = " ".join((model.__doc__ or "").split())
    return f"\n## {model.__name__}\n\n{meaning}\n\n{FIELDS}{rows}"


def writers(file: RunFile) -> list[str]:
    """The functions whose rights name the file."""
    name = file.name.format(page="00000")
    return [spec.state for spec in SPECS if any(fnmatch(name, one) for one in spec.writes)]


def readers(file: RunFile) -> list[str]:
    """The Maps that list a manifest, and the states whose code reads the file."""
    if file.noted:
        return writers(file)
    key = f"{file.name.removesuffix('.json')}_key"
    states = read_definition()["States"].items()
    maps = [
        name for name, one in states if file.manifest and key in json.dumps(one.get("ItemReader"))
    ]
    return [*maps, *(spec.state for spec in SPECS if file.constant in _read_by(spec.handler))]


# Who reads what: the functions that a step reaches, by name


@cache
def _read_by(step: str) -> frozenset[str]:
    """The constants of the files that a step's functions read."""
    waiting, seen, found = [(f"workflow.steps.{step}", step)], set(), set()
    while waiting:
        at = waiting.pop()
        definition = _definitions(at[0]).get(at[1])
        if at in seen or definition is None:
            continue
        seen.add(at)
        found |= _files_read(definition)
        imported = _imported(at[0])
        for node in ast.walk(definition):
            if isinstance(node, ast.Name):
                waiting.append(imported.get(node.id, (at[0], node.id)))
    return frozenset(found)


@cache
def _tree(module: str) -> ast.Module:
    path = ROOT / f"{module.replace('.', '/')}.py"
    return ast.parse(path.read_text(encoding="utf-8") if path.exists() else "")


@cache
def _definitions(module: str) -> dict[str, ast.stmt]:
    kinds = (ast.FunctionDef, ast.ClassDef)
    return {one.name: one for one in _tree(module).body if isinstance(one, kinds)}


@cache
def _imported(module: str) -> dict[str, tuple[str, str]]:
    return {
        alias.name: (str(node.module), alias.name)
        for node in _tree(module).body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }


def _files_read(definition: ast.stmt) -> set[str]:
    """Constants in the arguments of `.read...()` and `.iterate...()`; what a method implies."""
    found = set()
    for node in ast.walk(definition):
        if isinstance(node, ast.Attribute) and node.attr == "read_changes":
            found.add("DIFF_CHANGES")
        if isinstance(node, ast.Name) and node.id == "texts_file" and _maps_texts(definition):
            found.add("DIFF_TEXTS")
        if isinstance(node, ast.Call) and _is_read(node.func):
            names = (inner for argument in node.args for inner in ast.walk(argument))
            found |= {one.id for one in names if isinstance(one, ast.Name)}
    return found


def _is_read(function: ast.expr) -> bool:
    return isinstance(function, ast.Attribute) and bool(re.match("read|iterate", function.attr))


def _maps_texts(definition: ast.stmt) -> bool:
    return any(
        isinstance(node, ast.Attribute) and node.attr == "read_texts"
        for node in ast.walk(definition)
    )


# Redis


def redis_rights() -> str:
    """Each user, and what it may do."""
    rows = "".join(
        f"| `{one.user}` | {', '.join(one.functions)} | `{'` `'.join(one.keys)}` |\n"
        for one in rights.EVERY
    )
    rules = "".join(f"\n## {one.user}\n\n```\n{_acl(one)}\n```\n" for one in rights.EVERY)
    known = {spec.state for spec in EVERY if spec.uses_redis}
    named = {name for one in rights.EVERY for name in one.functions}
    if known != named:
        raise SystemExit(f"rights.py and specs.py disagree about {sorted(known ^ named)}")
    return RIGHTS + rows + rules + RIGHTS_END


def _acl(one: rights.Rights) -> str:
    """The command that makes the user."""
    return f"ACL SETUSER {one.user} reset on >PASSWORD {one.rules}"
