"""docs/search-api.md, from the models that requests are read by and answers are made of."""

import json
from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import TypeVar

from pydantic import BaseModel

from tools.models import described, shown_type
from tools.search_answers import SAMPLES, kept
from workflow.contract.setting_forms import form_of
from workflow.search.api import (
    FILTERS,
    FURTHEST,
    MOST_PARAMETERS,
    MOST_VALUES,
    PATHS,
    PROBLEM,
    VERSION,
    Problem,
    SearchRequest,
)
from workflow.search.notices import NoticeKind
from workflow.search.parts import PartKind
from workflow.search.shown import LONGEST_VALUE, MOST_PACKAGES

PAGE = f"""# Search API

`GET` only, JSON only, the same on this machine (`drugsync serve`) and [on AWS](search.md#on-aws).
`/{VERSION}/openapi.json` is the OpenAPI document. [Searching](search.md) shows how to call it and
how it finds an answer.

This page is written by `python -m tools.reference`; a test compares the two.

## Paths

| path | answers | document |
|---|---|---|
"""

PARAMETERS = f"""
`{{ndc}}` is a drug's NDC in any form, or its key exactly as stored. Products with the same
`gcn_seqno` are equivalent; for a drug without one, those with the same substances, strength, form
and route. Only `/{VERSION}/drugs` takes parameters.

## Parameters of /{VERSION}/drugs

| parameter | may be | default | what it does |
|---|---|---|---|
"""

FILTERS_SAY = f"""
The last {len(FILTERS)} are filters. `drug_class` and `therapeutic_class` match adjacent words in
the value, the others the whole value; case, punctuation and Unicode form do not matter. Giving a
filter again adds an alternative: `dosage_form=TABLET&dosage_form=CAPSULE`. A filter excludes drugs
and does not change the order. An answer's `next_offset` is the next page's `offset`.

These are errors (400), and the message names the parameter: an unknown parameter on any path; a
parameter other than a filter that is given twice; more than {MOST_PARAMETERS} parameters, or
{MOST_VALUES} values of one.

## Parts

A **product** is one name, form and route with all its strengths, from any labeler; the requested
strength comes first. Every product says `why` it is in the answer. The parts come in this order. A
weaker part never replaces a stronger one, parts are never padded, and an answer may have none.

| part | holds |
|---|---|
"""

PARTS = {
    PartKind.FOUND: "matches of the NDC or the name, with the requested strength and form first",
    PartKind.SAME_SUBSTANCE: "exactly the substances that the name means: Lamisil is terbinafine, "
    "and this catalog has these",
    PartKind.OTHERS: "the name's words, but different or additional substances: Tylenol with "
    "Codeine, for Tylenol",
    PartKind.BEGINS: "names that begin with the last word, which may be incomplete",
    PartKind.CLASS: "drugs of the classes that the words name, taking one of each class in turn",
    PartKind.USE: "drugs for the use that lay words stand for, in the order in which they are "
    "tried; then drugs of its classes, in turn",
    PartKind.MEANING: "drugs with a similar meaning, above a floor; never if the query names a "
    "drug",
}

NOTICES_SAY = """
## Notices

| notice | given when |
|---|---|
"""

NOTICES = {
    NoticeKind.NOT_IN_CATALOG: "a known drug is not in the catalog, or only together with other "
    "substances",
    NoticeKind.READ_AS: "a misspelt word was read as the nearest name; `as_written` prevents it",
    NoticeKind.DID_YOU_MEAN: "a word is equally close to two drugs, or abbreviates several (TCN, "
    "MS, MgSO4): the answer asks which one",
    NoticeKind.UNKNOWN_WORD: "no name contains the word; the other words were searched",
    NoticeKind.STRENGTH_MISSING: "no product with the name has the requested strength",
    NoticeKind.STRENGTH_IS_SUM: "only mixtures have the requested strength, as the sum of the "
    "amounts in `instead`: `adderall 20` is four times 5 mg",
    NoticeKind.SEVERAL_DRUGS: "the digits match several packages; all are shown",
    NoticeKind.NO_SUCH_NDC: "no drug has the NDC; no other drug is shown instead",
    NoticeKind.NOTHING_FOUND: "nothing in the catalog matches the query",
    NoticeKind.FILTERS_HIDE: "the filters excluded everything in the best part; `count` is the "
    "number of packages",
    NoticeKind.NO_SUCH_VALUE: "no drug in the catalog matches a filter, for example because its "
    "value is misspelled; `instead` names the column",
    NoticeKind.MEANING_UNAVAILABLE: "the model failed, or the live space belongs to another "
    "model: only words were searched",
    NoticeKind.CUT_SHORT: "the search used up its budget of commands",
    NoticeKind.LEFT_OUT: "`instead` are the names, lay words, forms and routes that the answer "
    "leaves out (`without codeine`, `not extended release`)",
    NoticeKind.NOT_TOGETHER: "no product has all names in the query; each is found by itself",
}

STATUSES = f"""
## Statuses and limits

Every failure is a problem document (RFC 9457, `{PROBLEM}`): [Problem](#problem). It tells only the
error's name; the function's log has the rest.

| status | means |
|---|---|
"""

STATUS = (
    ("200", "answered. A search that finds nothing has a notice, and no part"),
    ("400", "a wrong parameter, which the problem names with its limit"),
    (
        "401, 403",
        "from API Gateway: no token or a wrong one; no signature, a wrong one, or no right",
    ),
    ("404", "no such path; no such drug"),
    ("405", "another method than GET"),
    ("429", "from API Gateway: more than `requests_per_second`, of all callers, beyond `burst`"),
    ("500", "a defect; without a problem document: the function ended after 29 seconds"),
    (
        "503",
        "Redis cannot be asked, or nothing is live (run a sync first); without a problem document: "
        "all of `reserved_concurrency` is taken",
    ),
)

LIMITS = f"""
API Gateway's own answers are `{{"message": "..."}}`, not problem documents.

An answer holds {MOST_PACKAGES:,} packages at most, and values longer than {LONGEST_VALUE:,}
characters are cut. `offset` ends at {FURTHEST}. Answers must not be cached (`Cache-Control:
no-store`). An answer is wholly from before a switch or from after it. A new field breaks nothing;
if a path or field is removed, the version is no longer `{VERSION}`.
"""

SAMPLES_SAY = """
## Sample answers

What the demo (`make demo`) answers; `python -m tools.played` asks it again.
"""


def search_api() -> str:
    """The page."""
    paths = "".join(
        f"| `/{VERSION}{path}` | {what} | {_link(model)} |\n"
        for path, (what, model) in PATHS.items()
    )
    return "".join(
        [
            *(PAGE, paths, PARAMETERS, *map(_parameter, SearchRequest.model_fields)),
            *(FILTERS_SAY, *_kinds(PartKind, PARTS), NOTICES_SAY, *_kinds(NoticeKind, NOTICES)),
            *(STATUSES, *(f"| {status} | {means} |\n" for status, means in STATUS), LIMITS),
            *_samples(),
            *("\n## Documents\n", *_documents()),
        ]
    )


def _samples() -> Iterator[str]:
    yield SAMPLES_SAY
    answers = kept()
    for one in SAMPLES:
        shown = json.dumps(answers[one.request], indent=1, ensure_ascii=False)
        link = _link(one.model)
        yield f"\n### {one.shows}\n\n`GET {one.request}` answers {link}:\n\n```json\n{shown}\n```\n"


def _link(model: type[BaseModel] | None) -> str:
    return f"[{model.__name__}](#{model.__name__.lower()})" if model else "OpenAPI 3.1"


def _parameter(name: str) -> str:
    field = SearchRequest.model_fields[name]
    default = "required" if field.is_required() else ""
    if isinstance(field.default, bool | int) and not field.is_required():
        default = f"`{str(field.default).lower()}`"
    meaning = field.description if name not in FILTERS else "a filter"
    return f"| `{name}` | {form_of(SearchRequest, name)} | {default} | {meaning} |\n"


K = TypeVar("K", bound=StrEnum)


def _kinds(kinds: type[K], meanings: Mapping[K, str]) -> Iterator[str]:
    """In their own order; one without a meaning is a KeyError, so that none is forgotten."""
    for kind in kinds:
        yield f"| `{kind.value}` | {meanings[kind]} |\n"


def _documents() -> Iterator[str]:
    waiting: list[type[BaseModel]] = [model for _, model in PATHS.values() if model]
    done: set[type[BaseModel]] = set()
    waiting.append(Problem)
    while waiting:
        model = waiting.pop(0)
        if model in done:
            continue
        done.add(model)
        yield f"\n### {model.__name__}\n\n{' '.join((model.__doc__ or '').split())}\n\n"
        yield "| field | type | what it is |\n|---|---|---|\n"
        for name, annotation, meaning in described(model):
            yield f"| `{name}` | {_type(annotation)} | {meaning} |\n"
            waiting[:0] = list(_inside(annotation))


def _type(annotation: object) -> str:
    shown = shown_type(annotation)
    for one in _inside(annotation):
        shown = shown.replace(one.__name__, f"[{one.__name__}](#{one.__name__.lower()})")
    return shown


def _inside(annotation: object) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in getattr(annotation, "__args__", ()):
        yield from _inside(part)
