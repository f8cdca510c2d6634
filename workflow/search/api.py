"""What may be asked of the search API, and its OpenAPI document."""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Annotated, Any, Final, TypeVar, get_origin
from urllib.parse import parse_qsl

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from workflow.contract.folding import fold
from workflow.contract.invalid import wrongs
from workflow.contract.ports.search import Filters
from workflow.search.queries import LONGEST_QUERY
from workflow.search.shown import Alternatives, DrugsFound, DrugShown, Health

VERSION: Final = "v1"
PROBLEM: Final = "application/problem+json"
MOST_PARAMETERS: Final = 100
MOST_VALUES: Final = 20
FURTHEST: Final = 500

Values = Annotated[
    tuple[Annotated[str, Field(min_length=1, max_length=200)], ...],
    Field(max_length=MOST_VALUES, description="several are alternatives"),
]
Flag = Annotated[bool | None, Field()]


class BadRequest(Exception):
    """The request cannot be answered; the message says why."""


class Nothing(BaseModel):
    """Paths that take no parameters."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class SearchRequest(Nothing):
    """`GET /drugs`."""

    q: str = Field(
        min_length=1, max_length=LONGEST_QUERY, description="names, an NDC, or any words"
    )
    limit: int = Field(10, ge=1, le=50, description="products")
    offset: int = Field(0, ge=0, le=FURTHEST, description="products to skip: `next_offset`")
    packages: int = Field(5, ge=1, le=100, description="packages of each strength")
    facets: bool = Field(False, description="count values of the best products")
    as_written: bool = Field(False, description="correct no word")
    dosage_form: Values = ()
    route: Values = ()
    drug_class: Values = ()
    therapeutic_class: Values = ()
    dea_schedule: Values = ()
    manufacturer: Values = ()
    gcn_seqno: Values = ()
    is_generic: Flag = None
    is_brand: Flag = None
    is_active: Flag = None

    @property
    def filters(self) -> Filters:
        """As the index stores values."""
        given: dict[str, tuple[str, ...]] = {}
        for name in FILTERS:
            value = getattr(self, name)
            if isinstance(value, bool):
                given[name] = (str(int(value)),)
            elif value:
                given[name] = value
        return given


FILTERS: Final = (
    *("dosage_form", "route", "drug_class", "therapeutic_class", "dea_schedule", "manufacturer"),
    *("gcn_seqno", "is_generic", "is_brand", "is_active"),
)


M = TypeVar("M", bound=Nothing)


def read_search(query_string: str) -> SearchRequest:
    """Raises BadRequest."""
    request = _read(query_string, SearchRequest)
    if not fold(request.q):
        raise BadRequest("q: contains no letter and no digit")
    return request


def read_nothing(query_string: str) -> None:
    """Raises BadRequest if there are parameters."""
    _read(query_string, Nothing)


def _read(query_string: str, model: type[M]) -> M:
    try:
        pairs = parse_qsl(
            query_string, keep_blank_values=True, max_num_fields=MOST_PARAMETERS, errors="replace"
        )
    except ValueError as error:
        raise BadRequest(f"more than {MOST_PARAMETERS} parameters") from error
    given: dict[str, list[str]] = {}
    for name, value in pairs:
        given.setdefault(name, []).append(value)
    _refuse_unknown(given, model)
    try:
        return model.model_validate({name: _one(name, given[name], model) for name in given})
    except ValidationError as error:
        # Without the value: the caller has it, and what was asked is written down nowhere.
        lines = (f"{one.field.partition('.')[0]}: {one.reason}" for one in wrongs(error))
        raise BadRequest("; ".join(lines)) from error


def _refuse_unknown(given: Mapping[str, Sequence[str]], model: type[Nothing]) -> None:
    """A misspelled filter that is silently ignored would answer another question."""
    unknown = sorted(name[:40] for name in given if name not in model.model_fields)
    if unknown:
        raise BadRequest(f"unknown parameters: {', '.join(unknown[:5])}")


def _one(name: str, values: list[str], model: type[Nothing]) -> str | list[str]:
    if get_origin(model.model_fields[name].annotation) is tuple:
        return values
    if len(values) > 1:
        raise BadRequest(f"{name}: given {len(values)} times; give it once")
    return values[0]


class Problem(BaseModel):
    """RFC 9457."""

    model_config = ConfigDict(frozen=True, defer_build=True)

    type: str = Field(description="always `about:blank`")
    title: str = Field(description="the status as text")
    status: int = Field(description="the status")
    detail: str = Field(description="what is wrong, and what to do")


PATHS: Final[Mapping[str, tuple[str, type[BaseModel] | None]]] = {
    "/drugs": ("What answers a search", DrugsFound),
    "/drugs/{ndc}": ("One drug", DrugShown),
    "/drugs/{ndc}/alternatives": ("What may stand for a drug", Alternatives),
    "/health": ("What is live, and how old it is", Health),
    "/openapi.json": ("This document", None),
}


@cache
def openapi() -> dict[str, Any]:
    """OpenAPI 3.1, generated from the models that read requests and form answers."""
    from pydantic.json_schema import models_json_schema  # no search needs it

    models: list[type[BaseModel]] = [Problem]
    models += [model for _, model in PATHS.values() if model is not None]
    _, schemas = models_json_schema(
        [(model, "serialization") for model in models],
        ref_template="#/components/schemas/{model}",
    )
    return {
        "openapi": "3.1.0",
        "info": {"title": "Drug search", "version": VERSION},
        "paths": {f"/{VERSION}{path}": {"get": _operation(path)} for path in PATHS},
        "components": {"schemas": schemas["$defs"]},
    }


def _operation(path: str) -> dict[str, Any]:
    summary, model = PATHS[path]
    content: dict[str, Any] = {"type": "object"}
    if model is not None:
        content = {"$ref": f"#/components/schemas/{model.__name__}"}
    problems = {"4XX": "The request is wrong, or there is no such drug", "5XX": "Try again later"}
    return {
        "summary": summary,
        "parameters": _parameters(path),
        "responses": {
            "200": {"description": summary, "content": {"application/json": {"schema": content}}},
            **{
                status: {
                    "description": said,
                    "content": {PROBLEM: {"schema": {"$ref": "#/components/schemas/Problem"}}},
                }
                for status, said in problems.items()
            },
        },
    }


def _parameters(path: str) -> list[dict[str, Any]]:
    if "{ndc}" in path:
        ndc = {"type": "string", "maxLength": 64}
        return [{"name": "ndc", "in": "path", "required": True, "schema": ndc}]
    if path != "/drugs":
        return []
    schema = SearchRequest.model_json_schema()
    required = schema.get("required", [])
    return [
        {"name": name, "in": "query", "required": name in required, "schema": of}
        for name, of in schema["properties"].items()
    ]
