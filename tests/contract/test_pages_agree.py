"""Figures on pages agree with the code and with each other."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest
from pydantic import BaseModel

from handlers import logins
from infra.stage.stage import Stage
from tests.contract.test_imports import DOORS
from workflow.adapters.redis import queries
from workflow.contract import limits
from workflow.contract.events.payloads import RunInput
from workflow.contract.retries import ACCESS
from workflow.contract.settings import Settings
from workflow.search import asked, query_cache

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *ROOT.glob("docs/**/*.md")]
SAID = re.compile(
    r"`(\w+)` \((\d[\d.,]*)(?: s| ms| %| days| hours)?\)|\((?:`(\w+)`, )(\d[\d.,]*)\)"
)
BACKWARDS = re.compile(r"(\d[\d.,]*)(?: s| ms| %| days| hours)? \(`(\w+)`\)")


def page(name: str) -> str:
    """Its words, whatever the line breaks."""
    return " ".join((ROOT / name).read_text(encoding="utf-8").split())


def defaults(model: type[BaseModel]) -> Iterator[tuple[str, object]]:
    """Field -> default, of a model and the tables in it."""
    for name, field in model.model_fields.items():
        yield name, field.default
        for inner in (field.annotation, *get_args(field.annotation)):
            if isinstance(inner, type) and issubclass(inner, BaseModel):
                yield from defaults(inner)


OF = dict(defaults(Stage)) | dict(defaults(Settings))


def said(text: str) -> Iterator[tuple[str, str]]:
    """`name` (5 s) and 5 s (`name`), of the names that are settings."""
    for match in SAID.finditer(text):
        yield match[1], match[2]
    for match in BACKWARDS.finditer(text):
        yield match[2], match[1]


def alike(default: object, figure: str) -> bool:
    """A share may be said in percent."""
    number = float(figure.rstrip(".,").replace(",", ""))
    return isinstance(default, int | float) and number in (default, round(default * 100, 6))


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_default_that_a_page_says_is_the_settings(path: Path) -> None:
    found = [one for one in said(page(str(path.relative_to(ROOT)))) if one[0] in OF]
    assert [one for one in found if not alike(OF[one[0]], one[1])] == []


def test_defaults_are_found_in_pages() -> None:
    found = {name for path in PAGES for name, _ in said(page(str(path.relative_to(ROOT))))}
    wanted = {"switch_limit", "verify_model_days", "mysql_reader_lag_s", "unpublished_hours"}
    assert wanted - (found & set(OF)) == set()


def test_times_that_operators_are_told_are_those_of_the_code() -> None:
    hours = limits.MACHINE_MINUTES // 60
    assert hours == 6
    assert "an execution ends after six hours" in page("docs/failed-run.md")
    assert f"more than {limits.REDRIVE_DAYS} days ago" in page("docs/failed-run.md")
    assert logins.SECRET_AGE_S == 5 * 60
    passwords = page("docs/passwords.md")
    assert "Functions read secrets again within five minutes" in passwords
    assert ACCESS.mean_s == 4
    assert "the server and the secret change within four seconds" in passwords
    assert f"no run published for {OF['unpublished_hours']} hours" in page("docs/alarms.md")
    assert f"when {OF['unpublished_hours']} hours have passed" in page("docs/stop-and-pause.md")


def test_the_bounds_of_a_search_are_those_of_the_code() -> None:
    text = page("docs/search.md")
    assert f"{asked.HEAD} at most ({asked.UNDER_FILTERS:,} under filters)" in text
    assert f"If filters leave {asked.UNDER_FILTERS:,} drugs or fewer" in text
    assert f"embeddings of queries ({query_cache.KEPT:,})" in text
    assert f"the columns of texts that names were compared with ({queries.MOST_KEPT:,}" in text


def test_the_page_of_security_counts_the_inputs_fields() -> None:
    words = {7: "seven", 8: "eight", 9: "nine", 10: "ten"}
    assert f"the input: {words[len(RunInput.model_fields)]} fields" in page("docs/security.md")


def test_the_rooms_in_the_readme_are_those_of_the_doors() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    layout = text.partition("## Layout")[2]
    rooms = dict(re.findall(r"^  (\w+)/ .*<- ([^;\n]*)", layout, re.MULTILINE))
    doors = {room.removeprefix("workflow."): to for room, to in DOORS.items() if "." in room}
    assert set(rooms) == {room for room, to in doors.items() if to}
    for room, shown in rooms.items():
        allowed = {one.removeprefix("workflow.") for one in doors[room]}
        if shown.startswith("all above but"):
            above = list(rooms)[: list(rooms).index(room)]
            named = {*above, "contract"} - {shown.removeprefix("all above but ")}
        else:
            named = set(shown.split(", "))
        assert named == allowed, room


def test_the_page_says_what_the_deployment_may_import() -> None:
    *most, last = sorted(f"`{one.rpartition('.')[2]}`" for one in DOORS["infra"])
    sentence = f"`infra` may import {', '.join(most)} and {last} only"
    assert sentence in page("docs/how-it-works.md")


def test_the_dollars_of_the_page_about_costs_follow_from_their_lines() -> None:
    """Of each line that is a product, or a sum of products: its value, to the last digit shown."""
    text = (ROOT / "docs/costs.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\|[^|]*\|([^|]*)\| \*{0,2}([\d.]+)\*{0,2} \|$", text, re.MULTILINE)
    worked = [(worked_out(term), result) for term, result in rows if worked_out(term)]
    assert len(worked) >= 16
    assert [one for one in worked if f"{one[0]:.{len(one[1].partition('.')[2])}f}" != one[1]] == []


def worked_out(term: str) -> float:
    """A line's value; 0 where a part of it is no product of numbers with their units."""
    bare = re.sub(r"\(?\*assumed\*\)?|\$|(?<=\d),(?=\d{3})", "", term.partition(";")[0])
    bare = re.sub(r"^.*=", "", bare).replace(" x ", " * ")
    bare = re.sub(r"(?<=[\d)]) [A-Za-z][\w-]*( and [a-z]+| [a-z]\w+)?", "", bare)
    product = r"\(?[\d.]+(?: \+ [\d.]+\))?(?: +[*/] +[\d.]+)+"
    if not re.fullmatch(rf" *{product}(?:, {product})* *", bare) or {"million", "bytes"} & words(
        term
    ):
        return 0
    return float(eval(bare.replace(",", " +"), {"__builtins__": {}}))  # noqa: S307 - our own page


def words(term: str) -> set[str]:
    return set(re.findall(r"[a-z]+", term))


def test_a_lost_index_takes_as_long_as_a_first_load() -> None:
    (minutes,) = re.findall(
        r"\| 500,000, first load \|(?:[^|]*\|){6} ([\d.]+) \|", page("docs/costs.md")
    )
    assert f"about {float(minutes):.0f} minutes for 500,000 drugs" in page("docs/redis-server.md")


def test_golden_queries_are_uploaded_to_where_their_setting_points() -> None:
    text = page("docs/search.md")
    (key,) = re.findall(r'golden_queries_key = "(\S+)"', text)
    assert f"-runs-ACCOUNT-REGION/{key} " in text
    assert not key.startswith("runs/")
