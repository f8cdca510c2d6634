"""The search API: GET /drugs, /drugs/{ndc}, /drugs/{ndc}/alternatives, /health.

An HTTP API (payload 2.0) in front of the live generation. Every answer that is no success is a
problem (RFC 9457), and none tells more than its name and what to do.
"""

import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import TYPE_CHECKING, Annotated, Any

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response
from aws_lambda_powertools.event_handler.exceptions import BadRequestError, NotFoundError
from aws_lambda_powertools.event_handler.openapi.exceptions import RequestValidationError
from aws_lambda_powertools.event_handler.openapi.params import Path, Query

from handlers.clock import now
from handlers.entry import count_error, logger
from handlers.wiring import wiring
from workflow.contract.errors import NothingLive, SyncError
from workflow.search.answers import (
    Alternatives,
    DrugsFound,
    DrugShown,
    Health,
    alternatives,
    find_drugs,
    health,
    one_drug,
)
from workflow.search.queries import LONGEST_QUERY, words_of
from workflow.search.synonyms import read_synonyms

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

PROBLEM = "application/problem+json"
LONGEST_NDC = 64

app = APIGatewayHttpResolver(enable_validation=True)


class NoSuchDrug(NotFoundError):
    """The path is right, the NDC is no drug's."""


Words = Annotated[
    str, Query(min_length=1, max_length=LONGEST_QUERY, description="names, NDC, or any words")
]
Ndc = Annotated[str, Path(min_length=1, max_length=LONGEST_NDC, description="with dashes or not")]
Value = Annotated[str | None, Query(min_length=1, max_length=200)]
Flag = Annotated[bool | None, Query()]


@app.get("/drugs", summary="Search", responses={200: {"description": "Products, best first"}})
def drugs(
    q: Words,
    limit: Annotated[int, Query(ge=1, le=50, description="products")] = 10,
    packages: Annotated[int, Query(ge=1, le=100, description="packages of each product")] = 5,
    facets: Annotated[bool, Query(description="count values of the best products")] = False,
    dosage_form: Value = None,
    route: Value = None,
    drug_class: Value = None,
    therapeutic_class: Value = None,
    dea_schedule: Value = None,
    manufacturer: Value = None,
    gcn_seqno: Value = None,
    is_generic: Flag = None,
    is_brand: Flag = None,
    is_active: Flag = None,
) -> DrugsFound:
    """Misspelt names are found, lay words understood, and filters are exact."""
    given: dict[str, str | bool | None] = {
        "dosage_form": dosage_form,
        "route": route,
        "drug_class": drug_class,
        "therapeutic_class": therapeutic_class,
        "dea_schedule": dea_schedule,
        "manufacturer": manufacturer,
        "gcn_seqno": gcn_seqno,
        "is_generic": is_generic,
        "is_brand": is_brand,
        "is_active": is_active,
    }
    _refuse_unknown({"q", "limit", "packages", "facets", *given})
    if not words_of(q):
        raise BadRequestError("q: holds no letter and no digit")
    w = wiring()
    return find_drugs(
        q,
        {name: _as_stored(value) for name, value in given.items() if value is not None},
        limit=limit,
        packages=packages,
        facets=facets,
        embedder=w.queries,
        index=w.index.search,
        synonyms=read_synonyms(w.settings.synonyms_file),
        on_degraded=_degraded,
    )


@app.get("/drugs/<ndc>", summary="One drug")
def drug(ndc: Ndc) -> DrugShown:
    """Every column of one drug."""
    found = one_drug(ndc, index=wiring().index.search)
    if found is None:
        raise NoSuchDrug(f"no drug has the NDC {ndc}")
    return found


@app.get("/drugs/<ndc>/alternatives", summary="What may stand for a drug")
def drug_alternatives(ndc: Ndc) -> Alternatives:
    """Generics and brands apart."""
    found = alternatives(ndc, index=wiring().index.search)
    if found is None:
        raise NoSuchDrug(f"no drug has the NDC {ndc}")
    return found


@app.get("/health", summary="What is live, and how old it is")
def get_health() -> Health:
    """A run publishes a generation; this tells which, and when."""
    return health(index=wiring().index.search, clock=now)


def _refuse_unknown(known: set[str]) -> None:
    """A misspelt filter that is left out silently would answer another question."""
    given = app.current_event.query_string_parameters or {}
    unknown = sorted(set(given) - known)
    if unknown:
        raise BadRequestError(f"unknown parameters: {', '.join(unknown)}")


def _degraded(error: Exception) -> None:
    """The answer says it; people who can mend it must hear of it, too."""
    logger.warning("searched without meaning", error=type(error).__name__, exc_info=error)
    if isinstance(error, SyncError):
        count_error(error)


def _as_stored(value: str | bool) -> str:
    return str(int(value)) if isinstance(value, bool) else value


def _invalid(error: RequestValidationError) -> Response[str]:
    lines = [f"{'.'.join(map(str, one['loc'][1:]))}: {one['msg']}" for one in error.errors()]
    return _problem(HTTPStatus.BAD_REQUEST, "; ".join(lines))


def _bad_request(error: BadRequestError) -> Response[str]:
    return _problem(HTTPStatus.BAD_REQUEST, str(error.msg))


def _no_such_drug(error: NoSuchDrug) -> Response[str]:
    return _problem(HTTPStatus.NOT_FOUND, str(error.msg))


def _no_such_path(_error: NotFoundError) -> Response[str]:
    paths = "/drugs, /drugs/{ndc}, /drugs/{ndc}/alternatives, /health"
    return _problem(HTTPStatus.NOT_FOUND, f"no such path; GET {paths}")


def _unavailable(error: SyncError) -> Response[str]:
    """The message may name hosts: it is for the log."""
    logger.exception("search failed", error=type(error).__name__)
    count_error(error)
    name = type(error).__name__
    hint = "run a sync first" if isinstance(error, NothingLive) else "try again later"
    return _problem(HTTPStatus.SERVICE_UNAVAILABLE, f"{name}: {hint}")


def _defect(_error: Exception) -> Response[str]:
    logger.exception("defect")
    return _problem(HTTPStatus.INTERNAL_SERVER_ERROR, "a defect; the log of the function has it")


def _problem(status: HTTPStatus, detail: str) -> Response[str]:
    problem: Mapping[str, Any] = {
        "type": "about:blank",
        "title": status.phrase,
        "status": int(status),
        "detail": detail,
    }
    return Response(status_code=int(status), content_type=PROBLEM, body=json.dumps(problem))


for _error, _answer in (
    (RequestValidationError, _invalid),
    (BadRequestError, _bad_request),
    (NoSuchDrug, _no_such_drug),
    (NotFoundError, _no_such_path),
    (SyncError, _unavailable),
    (Exception, _defect),
):
    app.exception_handler(_error)(_answer)


def handler(event: dict[str, Any], context: "LambdaContext") -> dict[str, Any]:
    return app.resolve(event, context)
