"""The terminal and the API offer the same: every API parameter is an option."""

from __future__ import annotations

import inspect

from cli.commands.search import search
from workflow.search.api import SearchRequest

WORDS = {"q": "text"}
ONLY_THE_TERMINAL = {"as_json", "stage", "profile", "region"}
ONLY_THE_API = {"offset"}
"""Pages of an answer: a terminal asks for more at once."""


def test_the_search_options_are_the_apis_parameters() -> None:
    options = set(inspect.signature(search).parameters) - ONLY_THE_TERMINAL
    parameters = {WORDS.get(name, name) for name in SearchRequest.model_fields}
    assert options == parameters - ONLY_THE_API
