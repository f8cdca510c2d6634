"""The documents say what the code does."""

import ast
import json
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli.app import app
from infra.compute.specs import EVERY
from infra.stage.sections.redis import NewRedis
from infra.stage.stage import Stage
from tools import (
    architecture,
    diagram,
    generations,
    overview,
    row_to_document,
    sample,
    search_answers,
    support,
)
from tools.reference import pages
from tools.reference_runs import FILES, readers, writers
from workflow import __version__
from workflow.contract import runs
from workflow.contract.events.payloads import RunInput
from workflow.contract.settings import Settings
from workflow.search.api import VERSION, read_search
from workflow.steps import guards
from workflow.steps.accept_run import parse_input
from workflow.verify import checks

ROOT = Path(__file__).parents[2]
DOCUMENTS = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]


@pytest.mark.parametrize("path", pages(), ids=lambda path: path.name)
def test_a_generated_page_is_current(path: Path) -> None:
    assert path.read_text(encoding="utf-8") == pages()[path]


EXPLAINED = ("run-files", "report", "input", "settings", "stage-file", "search-api", "cli")


@pytest.mark.parametrize("name", [f"{name}.md" for name in EXPLAINED])
def test_every_field_is_explained(name: str) -> None:
    lines = (ROOT / "docs" / name).read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if re.fullmatch(r"\| `[\w-]+` \|.*\|\s*\|", line)] == []


def test_every_file_of_a_run_is_documented_with_who_writes_and_who_reads_it() -> None:
    every = {name for name, value in vars(runs).items() if is_a_file(name, value)}
    assert {one.constant for one in FILES} == every
    for file in FILES:
        assert writers(file), file.name
        assert readers(file) or file.name.startswith("report."), file.name


def is_a_file(name: str, value: object) -> bool:
    return (
        name.isupper() and isinstance(value, str) and bool(re.search(r"\.(json|gz|html)$", value))
    )


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_between_documents_lead_somewhere(path: Path) -> None:
    targets = re.findall(r"\]\(([^)#]+)\)", path.read_text(encoding="utf-8"))
    local = [target for target in targets if "://" not in target]
    assert [target for target in local if not (path.parent / target).exists()] == []


COMMAND = re.compile(r"^\s*(?:\.venv/bin/)?drugsync ((?:catalog )?[a-z]+)([^#\n]*)", re.MULTILINE)


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_the_commands_and_options_in_a_document_exist(path: Path) -> None:
    for command, rest in COMMAND.findall(path.read_text(encoding="utf-8")):
        result = CliRunner().invoke(app, [*command.split(), "--help"], terminal_width=200)
        assert result.exit_code == 0, command
        for option in re.findall(r"--[a-z-]+", rest):
            assert option in result.output, f"drugsync {command} {option}"


def test_the_drawing_of_the_state_machine_is_current() -> None:
    text = diagram.PAGE.read_text(encoding="utf-8")
    assert text == diagram.page(text, diagram.read_definition())
    assert diagram.PICTURE.read_text(encoding="utf-8") == diagram.picture(diagram.read_definition())


def test_the_picture_of_what_is_deployed_is_current() -> None:
    assert architecture.PICTURE.read_text(encoding="utf-8") == architecture.picture()


def test_the_picture_of_a_row_and_its_document_is_current() -> None:
    assert row_to_document.PICTURE.read_text(encoding="utf-8") == row_to_document.picture()


def test_the_picture_of_generations_is_current() -> None:
    assert generations.PICTURE.read_text(encoding="utf-8") == generations.picture()


def test_the_picture_in_the_readme_is_current() -> None:
    assert overview.PICTURE.read_text(encoding="utf-8") == overview.picture()
    for page in ("README.md", "docs/index.md"):
        assert "overview.svg)" in (ROOT / page).read_text(encoding="utf-8")


def test_a_picture_with_a_state_missing_or_an_arrow_too_few_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    plan, compare, *others = overview.PHASES
    for wrong in ((compare, *others), (plan, compare._replace(redis=""), *others)):
        monkeypatch.setattr(overview, "PHASES", wrong)
        with pytest.raises(SystemExit):
            overview.picture()


def test_the_sample_in_the_readme_has_the_states_of_a_sync() -> None:
    text = sample.README.read_text(encoding="utf-8")
    printed = text.partition(sample.BEGIN)[2].partition(sample.END)[0]
    shown = [state[1] for state in map(sample.STATE.match, printed.splitlines()) if state]
    states = diagram.read_definition()["States"]
    assert shown == [name for name, one in states.items() if one["Type"] in ("Task", "Map")]
    assert re.search(r"^✓ sync \d{8}T\d{9}-sync-[0-9a-f]{4}: published", printed, re.MULTILINE)
    assert re.search(r"^  verification: (\d+) of \1 checks hold$", printed, re.MULTILINE)


def test_a_sample_is_one_part_of_what_the_demo_prints() -> None:
    printed = (
        "First\n  AcceptRun  1/1  0.0 s\n"
        "Sync: only what changed ──\n  DiffPages  3/8  0.1 s\n  DiffPages  8/8  0.4 s\n"
        "  DiffPages  8/8  0.4 s\n✓ sync\n    ✓ key set\n  page: /somewhere\n"
        "Backfill ──\n  AcceptRun  1/1  0.0 s\n"
    )
    sampled = "Sync: only what changed ──\n  DiffPages  8/8  0.4 s\n✓ sync"
    assert sample.sample_of(printed) == sampled


@pytest.mark.parametrize("one", search_answers.SAMPLES, ids=lambda one: one.shows)
def test_a_sample_answer_is_what_the_api_answers_today(one: search_answers.Sample) -> None:
    """The sample is recorded from a run: it has exactly the model's fields."""
    answer = search_answers.kept()[one.request]
    assert one.model.model_validate(answer).model_dump(mode="json") == answer


REQUEST = re.compile(r'(?:\$\w+|https?://[\w.:-]+)(/[\w/]*drugs)\?([^"`\n|]+)')


def test_a_request_in_a_document_is_one_that_the_api_answers() -> None:
    found = [one for path in DOCUMENTS for one in REQUEST.findall(path.read_text("utf-8"))]
    assert len(found) > 3
    for path, query in found:
        assert path == f"/{VERSION}/drugs"
        assert read_search(query).q


def test_the_table_of_what_was_tried_is_current() -> None:
    text = support.PAGE.read_text(encoding="utf-8")
    assert text == support.page(text)
    assert support.read_results()


def test_the_inputs_for_the_console_are_right() -> None:
    text = (ROOT / "docs/schedule.md").read_text(encoding="utf-8")
    inputs = re.findall(r"```json\n(.*?)```", text, re.DOTALL)
    assert len(inputs) >= 5
    for one in inputs:
        parse_input(json.loads(one))


def test_every_alarm_has_its_line_in_the_operators_page() -> None:
    source = "".join(path.read_text("utf-8") for path in (ROOT / "infra").rglob("*.py"))
    alarms = set(re.findall(r'self\._add\(\s*"(\w+)"', source))
    alarms |= set(re.findall(r'"(\w+DeadLetters)":', source))
    page = (ROOT / "docs/alarms.md").read_text(encoding="utf-8")
    assert len(alarms) >= 7
    assert {name for name in alarms if f"| `{name}` |" not in page} == set()


def test_the_page_of_guards_has_the_limits_of_the_settings() -> None:
    page = (ROOT / "docs/guards.md").read_text(encoding="utf-8")
    of = {name: field.default for name, field in Settings.model_fields.items()}
    shares = [f"{of[name]:.1%}" for name in ("delete_guard_share", "shrink_guard_share")]
    shares.append(f"{of['reject_guard_share']:.1%}")
    assert all(one.replace(".0%", "%").replace("%", " %") in page for one in shares)
    assert f"{of['profile_guard_share'] * 100:.0f} points" in page
    assert {of["delete_guard_rows"], of["reject_guard_rows"]} == {20}
    assert page.count("than 20") >= 3
    assert f"({of['switch_limit']:,})" in page
    assert f"{guards.TIME_SHARE:.0%}".replace("%", " %") in page
    rows = dict(re.findall(r"^\| `(\w+)` \| `(\w+)` \|", page, re.MULTILINE))
    assert rows == {guard: error.__name__ for guard, error in guards.ERRORS.items()}


def test_how_long_things_are_kept_is_what_the_stage_says() -> None:
    page = (ROOT / "docs/operations.md").read_text(encoding="utf-8")
    kept = page.partition("## How long things are kept")[2].partition("\n## ")[0]
    of = Stage.model_fields
    assert f"{of['runs_kept_days'].default} days on AWS (`runs_kept_days`)" in kept
    assert f"{of['log_retention_days'].default} days (`log_retention_days`)" in kept
    assert f"| {NewRedis.model_fields['snapshots_kept'].default}, one a day" in kept


def test_every_check_of_the_verification_has_its_row() -> None:
    page = (ROOT / "docs/how-it-works.md").read_text(encoding="utf-8")
    table = page.partition("### The checks")[2].partition("\n\nSo ")[0]
    sources = [ROOT / "workflow/verify/checks.py", ROOT / "workflow/steps/publish_index.py"]
    names = {name for path in sources for name in names_of_checks(path)}
    assert len(names) >= 18
    assert {name for name in names if f"`{name}`" not in table} == set()


def names_of_checks(path: Path) -> set[str]:
    """The first argument of each `check(...)`, written out or named."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and node.args]
    first = [one.args[0] for one in calls if getattr(one.func, "id", "") == "check"]
    words = {str(one.value) for one in first if isinstance(one, ast.Constant)}
    words |= {
        vars(checks)[one.id] for one in first if isinstance(one, ast.Name) and one.id.isupper()
    }
    parts = {one.values[-1] for one in first if isinstance(one, ast.JoinedStr)}  # type: ignore[misc]
    ends = {str(one.value) for one in parts if isinstance(one, ast.Constant)}
    return words | {f"{kind}{end}" for kind in ("documents", "texts") for end in ends}


def test_every_function_has_its_row_in_the_security_page() -> None:
    page = (ROOT / "docs/security.md").read_text(encoding="utf-8")
    assert [spec.state for spec in EVERY if f"| `{spec.state}` |" not in page] == []


def test_what_contributors_are_told_exists() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`(test_\w+)(?:\[[^`]*\])?`", text))
    sources = "".join(path.read_text("utf-8") for path in (ROOT / "tests").rglob("test_*.py"))
    assert len(named) >= 20
    assert {name for name in named if f"def {name}(" not in sources} == set()
    files = set(re.findall(r"`((?:workflow|handlers|infra|tests|tools)/[\w/]+\.\w+)`", text))
    assert {name for name in files if not (ROOT / name).exists()} == set()


def test_every_page_is_in_the_sites_navigation() -> None:
    config = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    pages_there = [path.name for path in (ROOT / "docs").glob("*.md")]
    assert [name for name in pages_there if f": {name}\n" not in config] == []
    decisions = [path.name for path in (ROOT / "docs" / "decisions").glob("*.md")]
    assert [name for name in decisions if f"decisions/{name}\n" not in config] == []


def test_each_operators_page_says_what_is_not_safe() -> None:
    config = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    operate = config.partition("  - Operate:\n")[2].partition("  - Reference:\n")[0]
    names = {*re.findall(r": (\S+\.md)", operate), "schedule.md", "changing-the-model.md"}
    without = {
        name
        for name in names - {"operations.md"}  # the list of the others
        if "not safe" not in (ROOT / "docs" / name).read_text(encoding="utf-8").lower()
    }
    assert without == set()


def test_the_first_page_links_every_page() -> None:
    first = (ROOT / "docs" / "index.md").read_text(encoding="utf-8")
    pages_there = {path.name for path in (ROOT / "docs").glob("*.md")} - {"index.md"}
    assert {name for name in pages_there if f"]({name})" not in first} == set()


def test_the_decisions_are_listed() -> None:
    listed = (ROOT / "docs/decisions/README.md").read_text(encoding="utf-8")
    decisions = {path.name for path in (ROOT / "docs" / "decisions").glob("*.md")} - {"README.md"}
    assert {name for name in decisions if f"]({name})" not in listed} == set()


def test_the_input_in_the_readme_is_the_default_one() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    (shown,) = re.findall(r"```json\n(.*?)```", text, re.DOTALL)
    assert json.loads(shown) == RunInput().model_dump(mode="json")


def test_the_version_stands_in_one_place() -> None:
    assert CliRunner().invoke(app, ["--version"]).output == f"drugsync {__version__}\n"
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert f'"{__version__}"' not in project


def test_the_readme_names_make_targets_that_exist() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for document in DOCUMENTS:
        for target in re.findall(r"^make ([a-z]+)", document.read_text("utf-8"), re.MULTILINE):
            assert re.search(rf"^{target}:", makefile, re.MULTILINE), f"{document}: make {target}"


def test_figures_of_the_whole_catalog_agree() -> None:
    """There is one catalog, so pages must agree on its numbers of calls and texts."""
    performance = (ROOT / "docs" / "performance.md").read_text(encoding="utf-8")
    calls = re.search(r"243,941 drugs \| [\d,]+ for ([\d,]+) distinct texts; 0 in", performance)
    assert calls
    readme = " ".join((ROOT / "README.md").read_text(encoding="utf-8").split())
    assert f"{calls[1]} calls serve 243,941 packages" in readme
    source = (ROOT / "workflow" / "steps" / "costs.py").read_text(encoding="utf-8")
    texts = re.search(r"([\d,]+) of 243,941 in the FDA's directory", source)
    assert texts
    assert re.search(rf"\| texts embedded \|.*\| {texts[1]} \|", performance)
    costs = (ROOT / "docs" / "costs.md").read_text(encoding="utf-8")
    assert "97,463 of 493,573" in source
    assert "97,463 distinct texts" in costs
