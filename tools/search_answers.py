"""Sample answers of the search API, as docs/search-api.md shows them.

`tools/played.py` asks the demo's API and keeps what it answers in `search_answers.json`.
"""

import json
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any, Final, NamedTuple

from pydantic import BaseModel

from workflow.search.api import Problem
from workflow.search.shown import Alternatives, DrugsFound, DrugShown, Health

KEPT = Path(__file__).with_name("search_answers.json")


class Sample(NamedTuple):
    """A request that the page shows, and the document that answers it."""

    request: str
    shows: str
    model: type[BaseModel]


SAMPLES: Final = (
    Sample(
        "/v1/drugs?q=zoloft%2050%20mg&limit=1&packages=1",
        "A name and a strength: one product, the strength that was asked for first",
        DrugsFound,
    ),
    Sample(
        "/v1/drugs?q=atorvastatine&dosage_form=INJECTION",
        "A misspelt name, and a filter that leaves out all of it",
        DrugsFound,
    ),
    Sample("/v1/drugs/00049-4900-30", "One drug", DrugShown),
    Sample("/v1/drugs/00049490030/alternatives", "Equivalents of a drug", Alternatives),
    Sample("/v1/health", "What is live", Health),
    Sample("/v1/drugs?q=zoloft&strength=50", "An unknown parameter: status 400", Problem),
)


def record(address: str) -> None:
    """Ask for every sample and keep the answers."""
    answers = {one.request: _answer(f"{address}{one.request}") for one in SAMPLES}
    KEPT.write_text(json.dumps(answers, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def _answer(url: str) -> Any:
    try:
        with urllib.request.urlopen(url, timeout=60) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        return json.load(error)


def kept() -> dict[str, Any]:
    """Request -> answer."""
    answers: dict[str, Any] = json.loads(KEPT.read_text(encoding="utf-8"))
    return answers
