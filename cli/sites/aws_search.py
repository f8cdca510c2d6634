"""Searching a stage: its search function is asked as the API asks it, and its address is closed."""

import json
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import urlencode

from cli.sites.http_event import event_of
from cli.sites.site import SiteError
from workflow.search.notices import NoticeKind
from workflow.search.shown import DrugsFound

DRUGS: Final = "/v1/drugs"
SMOKE: Final = "something that helps against hiccups"
"""No name is in it, so index, known names and the model are all asked."""

REFUSED: Final = (401, 403)
ANSWERS_WITHIN_S = 30

Asked = Mapping[str, str | int | bool | Sequence[str]]
"""The parameters of the API, by name."""


def search_event(asked: Asked) -> dict[str, Any]:
    return event_of(f"{DRUGS}?{urlencode(asked, doseq=True)}")


def found_by(answer: Mapping[str, Any]) -> DrugsFound:
    """Raises SiteError with what the API says in place of an answer."""
    if answer.get("statusCode") != 200:
        problem = json.loads(answer.get("body") or "{}")
        raise SiteError(
            f"the search function answered {answer.get('statusCode')}: {problem.get('detail', '')}"
        )
    return DrugsFound.model_validate_json(answer["body"])


def answered(found: DrugsFound) -> str:
    """The answer in words. Raises SiteError if the model could not be called."""
    for notice in found.notices:
        if notice.kind is NoticeKind.MEANING_UNAVAILABLE:
            raise SiteError(
                f"{notice.text}; the function's log says why; check its right to invoke the model"
            )
    products = sum(len(part.products) for part in found.parts)
    return f"generation {found.generation} answered {SMOKE!r} with {products} products"


def closed(address: str) -> str:
    """Anonymous calls are refused. Raises SiteError if the address answers otherwise."""
    url = f"{address}{DRUGS}?q=aspirin"
    try:
        with urllib.request.urlopen(url, timeout=ANSWERS_WITHIN_S):  # noqa: S310 - an output's
            raise SiteError(
                f"{address} answers unsigned requests: its routes have no authorizer; deploy it "
                f"again"
            )
    except urllib.error.HTTPError as error:
        with error:
            if error.code in REFUSED:
                return f"{address} refuses anonymous calls ({error.code})"
            raise SiteError(f"{address} answered {error.code}; see the API's log") from error
    except OSError as error:
        raise SiteError(f"{address} does not answer: {error}; check its DNS and domain") from error
