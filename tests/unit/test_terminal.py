"""Data is shown on a terminal, and never acts as control characters."""

from __future__ import annotations

import ast
import io
import json
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cli.show.terminal import Out, as_json, many, markup
from workflow.contract.unseen import visible

CLI = Path(__file__).parents[2] / "cli"
TERMINAL = CLI / "show" / "terminal.py"

TITLE = "\x1b]0;owned\x07"
HOSTILE = [
    TITLE,
    "\x1b[2J",
    "\x9b31m",
    "\u202e500",
    "\u2066005\u2069",
    "[/x]",
    "[link=https://example.com]00002080001[/link]",
    "[bold",
    "back\\",
    "{0}",
    "\ue000",
    "two\nlines",
    "hidden\u3164\u2800\xad\u034f\ufe0f\U000e0041",
    ":smile:",
]


def printed(*values: object, template: str = "[bold]{}[/] end") -> str:
    file = io.StringIO()
    out = Out(file=file, force_terminal=True, color_system=None, width=200)
    out.say(template, *values)
    return file.getvalue()


def acts(character: str) -> bool:
    """What a terminal may obey, by Unicode's own categories."""
    return unicodedata.category(character) in ("Cc", "Cf", "Zl", "Zp")


@pytest.mark.parametrize("value", HOSTILE)
def test_a_value_is_printed_as_text_and_nothing_of_it_is_obeyed(value: str) -> None:
    line = printed(value).replace("\x1b[1m", "").replace("\x1b[0m", "").removesuffix("\n")
    assert line == f"{visible(value)} end"
    assert not any(map(acts, line))


@given(st.text())
def test_any_text_becomes_visible_and_keeps_its_letters(text: str) -> None:
    shown = visible(text)
    assert markup("[bold]{}[/]{}", text, text).plain == shown + shown
    assert [one for one in shown if one in "\x1b\x07\x9b\u202e\u2066\n\r"] == []
    if text.isascii() and text.isprintable():
        assert shown == text


@given(st.dictionaries(st.text(), st.text()))
def test_json_is_the_same_document_and_holds_nothing_that_acts(document: dict[str, str]) -> None:
    text = as_json(document)
    assert json.loads(text) == document
    assert [one for one in text if one != "\n" and one in "\x1b\x7f\x9b\u202e\u2028\u2066"] == []


def test_one_is_one_and_many_are_many() -> None:
    assert (many(1, "package"), many(2000, "row")) == ("1 package", "2,000 rows")


def calls(path: Path) -> list[tuple[str, ast.Call]]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    found = (node for node in ast.walk(tree) if isinstance(node, ast.Call))
    return [
        (
            node.func.attr
            if isinstance(node.func, ast.Attribute)
            else getattr(node.func, "id", ""),
            node,
        )
        for node in found
    ]


MODULES = [path for path in CLI.rglob("*.py") if path != TERMINAL]


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(CLI)))
def test_nothing_is_printed_but_templates_of_ours(path: Path) -> None:
    for name, call in calls(path):
        where = f"{path.name}:{call.lineno}"
        if name in ("say", "fit", "markup"):
            assert isinstance(call.args[0], ast.Constant), f"{where}: a template with values in it"
        if name == "Markup":
            strings = [one for one in ast.walk(call) if isinstance(one, ast.JoinedStr)]
            assert not strings, f"{where}: markup made of values"
        if name == "print":
            rule = call.args and isinstance(call.args[0], ast.Call)
            assert rule, f"{where}: print a template with say()"
