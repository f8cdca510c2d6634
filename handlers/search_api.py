"""The search API: GET /v1/drugs, /v1/drugs/{ndc}, /v1/drugs/{ndc}/alternatives, /v1/health.

An HTTP API (payload 2.0) in front of the live generation. Every failure is a problem document (RFC
9457), with no more than its name and what to do.
"""

import json
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response
from aws_lambda_powertools.event_handler.exceptions import NotFoundError
from pydantic import BaseModel

from handlers.clock import now
from handlers.entry import logger, note_error
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

HEADERS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}

app = APIGatewayHttpResolver()


class NoSuchDrug(Exception):
    """The path exists, but no drug has the NDC."""


@app.get(f"/{VERSION}/drugs")
def drugs() -> Response[str]:
    """Misspelt names are found, lay words understood, and filters are exact."""
    request = read_search(_query())
    w = wiring()
    found = find_drugs(
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
    return _found(found)


@app.get(f"/{VERSION}/drugs/<ndc>")
def drug(ndc: str) -> Response[str]:
    """Every column of one drug."""
    read_nothing(_query())
    return _found(one_drug(ndc, index=wiring().index.search), ndc)


@app.get(f"/{VERSION}/drugs/<ndc>/alternatives")
def drug_alternatives(ndc: str) -> Response[str]:
    """Generics and brands apart."""
    read_nothing(_query())
    return _found(alternatives(ndc, index=wiring().index.search), ndc)


@app.get(f"/{VERSION}/health")
def get_health() -> Response[str]:
    """Which generation is live, and when it was published."""
    read_nothing(_query())
    return _found(health(index=wiring().index.search, clock=now))


@app.get(f"/{VERSION}/openapi.json")
def get_openapi() -> Response[str]:
    """The OpenAPI document of this API."""
    read_nothing(_query())
    return _answer(HTTPStatus.OK, "application/json", json.dumps(openapi()))


def _query() -> str:
    return str(app.current_event.raw_event.get("rawQueryString", ""))


def _found(found: BaseModel | None, ndc: str = "") -> Response[str]:
    if found is None:
        raise NoSuchDrug(f"no drug has the NDC {ndc[:64]}")
    return _answer(HTTPStatus.OK, "application/json", found.model_dump_json())


def _degraded(error: Exception) -> None:
    """The answer names it; it is also logged and counted, for the people who can repair it."""
    logger.warning("searched without meaning", error=type(error).__name__, exc_info=error)
    if isinstance(error, SyncError):
        note_error(error)


def _bad_request(error: BadRequest) -> Response[str]:
    return _problem(HTTPStatus.BAD_REQUEST, str(error))


def _no_such_drug(error: NoSuchDrug) -> Response[str]:
    return _problem(HTTPStatus.NOT_FOUND, str(error))


def _no_such_path(_error: NotFoundError) -> Response[str]:
    paths = ", ".join(f"/{VERSION}{path}" for path in PATHS)
    method = app.current_event.http_method
    if method != "GET":
        return _problem(HTTPStatus.METHOD_NOT_ALLOWED, f"GET only; {paths}", {"Allow": "GET"})
    return _problem(HTTPStatus.NOT_FOUND, f"no such path; GET {paths}")


def _unavailable(error: SyncError) -> Response[str]:
    """Only for the log, because the message may name hosts."""
    logger.exception("search failed", error=type(error).__name__)
    note_error(error)
    name = type(error).__name__
    hint = "run a sync first" if isinstance(error, NothingLive) else "try again later"
    return _problem(HTTPStatus.SERVICE_UNAVAILABLE, f"{name}: {hint}")


def _defect(_error: Exception) -> Response[str]:
    logger.exception("defect")
    return _problem(HTTPStatus.INTERNAL_SERVER_ERROR, "a defect; see the function's log")


def _problem(
    status: HTTPStatus, detail: str, headers: dict[str, str] | None = None
) -> Response[str]:
    problem = Problem(type="about:blank", title=status.phrase, status=int(status), detail=detail)
    return _answer(status, PROBLEM, problem.model_dump_json(), headers)


def _answer(
    status: HTTPStatus, content_type: str, body: str, headers: dict[str, str] | None = None
) -> Response[str]:
    given = {**HEADERS, **(headers or {})}
    return Response(status_code=int(status), content_type=content_type, body=body, headers=given)


for _error, _handle in (
    (BadRequest, _bad_request),
    (NoSuchDrug, _no_such_drug),
    (NotFoundError, _no_such_path),
    (SyncError, _unavailable),
    (Exception, _defect),
):
    app.exception_handler(_error)(_handle)


def handler(event: dict[str, Any], context: "LambdaContext") -> dict[str, Any]:
    return app.resolve(event, context)
