"""The search API: GET /v1/drugs, /v1/drugs/{ndc}, /v1/drugs/{ndc}/alternatives, /v1/health.

An HTTP API (payload 2.0) in front of the live generation. Every failure is a problem document (RFC
9457), with no more than its name and what to do.
"""

import json
import re
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from pydantic import BaseModel

from handlers.clock import now
from handlers.logins import forget_refused
from handlers.telemetry import count_error, logger
from handlers.wiring import wiring
from workflow.contract.errors import NothingLive, SyncError
from workflow.search.answers import alternatives, find_drugs, health, meaning_of, one_drug
from workflow.search.api import (
    PATHS,
    PROBLEM,
    VERSION,
    BadRequest,
    Problem,
    openapi,
    read_nothing,
    read_search,
)
from workflow.search.synonyms import read_synonyms

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

HEADERS: Final = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}

Response = dict[str, Any]
"""What an HTTP API passes on (payload 2.0)."""


class NotFound(Exception):
    """No drug has the NDC, or no path is called so."""


def drugs(query: str) -> BaseModel:
    """Misspelt names are found, lay words understood, and filters are exact."""
    request = read_search(query)
    w = wiring()
    return find_drugs(
        request.q,
        request.filters,
        limit=request.limit,
        offset=request.offset,
        packages=request.packages,
        facets=request.facets,
        as_written=request.as_written,
        meaning=lambda names: meaning_of(names, w.index.search, w.settings, w.queries),
        index=w.index.search,
        synonyms=read_synonyms(w.settings.synonyms_file),
        on_degraded=_degraded,
    )


def drug(query: str, ndc: str) -> BaseModel:
    """Every column of one drug."""
    read_nothing(query)
    return _existing(one_drug(ndc, index=wiring().index.search), ndc)


def drug_alternatives(query: str, ndc: str) -> BaseModel:
    """Generics and brands apart."""
    read_nothing(query)
    return _existing(alternatives(ndc, index=wiring().index.search), ndc)


def get_health(query: str) -> BaseModel:
    """Which generation is live, and when it was published."""
    read_nothing(query)
    return health(index=wiring().index.search, clock=now)


def get_openapi(query: str) -> dict[str, Any]:
    """The OpenAPI document of this API."""
    read_nothing(query)
    return openapi()


ANSWERS: Final[Mapping[str, Callable[..., BaseModel | dict[str, Any]]]] = {
    "/drugs": drugs,
    "/drugs/{ndc}": drug,
    "/drugs/{ndc}/alternatives": drug_alternatives,
    "/health": get_health,
    "/openapi.json": get_openapi,
}
_ROUTES: Final = [
    (re.compile(f"/{VERSION}{path.replace('{ndc}', '([^/]+)')}", re.DOTALL), answer)
    for path, answer in ANSWERS.items()
]


def handler(event: dict[str, Any], context: "LambdaContext") -> Response:
    """Powertools' router would be a sixth of a cold start (docs/decisions/cold-search.md)."""
    try:
        return _answered(event)
    except BadRequest as error:
        return _problem(HTTPStatus.BAD_REQUEST, str(error))
    except NotFound as error:
        return _problem(HTTPStatus.NOT_FOUND, str(error))
    except SyncError as error:
        return _unavailable(error)
    except Exception:
        logger.exception("defect")
        return _problem(
            HTTPStatus.INTERNAL_SERVER_ERROR, "an internal error; see the function's log"
        )


def _answered(event: Mapping[str, Any]) -> Response:
    method = event["requestContext"]["http"]["method"]
    paths = ", ".join(f"/{VERSION}{path}" for path in PATHS)
    if method != "GET":
        return _problem(HTTPStatus.METHOD_NOT_ALLOWED, f"GET only; {paths}", {"Allow": "GET"})
    for route, answer in _ROUTES:
        met = route.fullmatch(event["rawPath"])
        if met:
            found = answer(event["rawQueryString"], *met.groups())
            body = found.model_dump_json() if isinstance(found, BaseModel) else json.dumps(found)
            return _response(HTTPStatus.OK, "application/json", body)
    raise NotFound(f"no such path; use GET {paths}")


def _existing(found: BaseModel | None, ndc: str) -> BaseModel:
    if found is None:
        raise NotFound(f"no drug has the NDC {ndc[:64]}")
    return found


def _degraded(error: Exception) -> None:
    """The answer names it; it is also logged and counted, for the people who can repair it."""
    logger.warning("searched without meaning", error=type(error).__name__, exc_info=error)
    if isinstance(error, SyncError):
        count_error(error)


def _unavailable(error: SyncError) -> Response:
    """Only for the log, because the message may name hosts."""
    logger.exception("search failed", error=type(error).__name__)
    count_error(error)
    forget_refused(error)
    name = type(error).__name__
    hint = "run a sync first" if isinstance(error, NothingLive) else "try again later"
    return _problem(HTTPStatus.SERVICE_UNAVAILABLE, f"{name}: {hint}")


def _problem(status: HTTPStatus, detail: str, headers: Mapping[str, str] | None = None) -> Response:
    problem = Problem(type="about:blank", title=status.phrase, status=int(status), detail=detail)
    return _response(status, PROBLEM, problem.model_dump_json(), headers)


def _response(
    status: HTTPStatus, content_type: str, body: str, headers: Mapping[str, str] | None = None
) -> Response:
    return {
        "statusCode": int(status),
        "headers": {**HEADERS, **(headers or {}), "Content-Type": content_type},
        "body": body,
        "isBase64Encoded": False,
    }
