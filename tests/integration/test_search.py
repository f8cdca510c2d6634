"""Search over a real Redis: exact under filters, safe with any words, the same for everyone."""

from __future__ import annotations

import math
from collections.abc import Iterator

import pytest
import redis
from workflow.adapters.redis.search import RedisIndex

from local.servers.stack import Stack
from tests.rows import DIMENSIONS, vector_of
from workflow.contract.documents import Writer, vector_hash
from workflow.contract.ports.catalog import Row
from workflow.contract.ports.documents import Batch, Fields
from workflow.contract.ports.generations import Generation, LiveNames
from workflow.contract.ports.model import Purpose, Vector
from workflow.contract.settings import DEFAULT_TEMPLATE
from workflow.contract.vectors import cosine, to_floats
from workflow.search.search import HEAD, NARROW, Answer, search
from workflow.search.synonyms import fda_synonyms
from workflow.verify.golden import GoldenQuery, that_count, unanswered

COUNT = 3000
NAMES = LiveNames("search", "search")
NASTY = (
    *("*", "@route:{ORAL}", "}", "{", "|", "-", "~", '"', "'", "\\", "(", ")", "=>[KNN 5 @x $v]"),
    *("%%aspirin%%", "a}|@ndc:{*", "$vector", "w'*'", "]=>", "0x00", "🙂", "ζιπρασιδόνη", "\\}"),
    *("x\x1fy", "-@route:{oral}", "aspirin) | (*", "a" * 300, "; FLUSHALL", "\r\nFLUSHALL\r\n"),
)


class Hashed:
    """The stand-in's fast embedder, in this process."""

    texts_per_call = 1

    def __init__(self) -> None:
        self.asked: list[str] = []

    def embed(self, texts: list[str], purpose: Purpose = "document") -> list[Vector]:
        self.asked += texts
        return [Vector(vector_of(text), 1) for text in texts]


def row(number: int) -> Row:
    """Every drug has a text of its own; its columns make filters of 50 %, 10 %, 1 %, one drug."""
    return {
        "ndc": f"{number:011d}",
        "drug_name": f"Drug {number}",
        "brand_name": f"Brand{number}",
        "generic_name": "hydroxyzine" if number % 3 else "hydralazine",
        "gcn_seqno": str(number),
        "dosage_form": "TABLET" if number % 2 else "CAPSULE, COATED {50%}",
        "route": f"ROUTE | {number % 10}",
        "strength": f"{number} mg/1",
        "manufacturer": f'O\'Hara & "Sons", Inc. \\{number % 100}',
        "drug_class": f"Class {number % 7} [EPC]",
        "is_generic": "1",
        "is_active": "1",
    }


@pytest.fixture(scope="module")
def documents(stack: Stack) -> Iterator[tuple[RedisIndex, dict[str, Fields]]]:
    with redis.Redis.from_url(stack.redis.url, protocol=2) as client:
        client.flushall()
        index = RedisIndex(client, dimensions=DIMENSIONS, algorithm="FLAT", options={})
        writer = Writer(DEFAULT_TEMPLATE, 8000, NAMES.space)
        made = [writer.document(row(number)) for number in range(COUNT)]
        fill(index, writer, [document.fields for document in made])
        index.load(NAMES.generation, "search", Batch(made, ()), suspect=False)
        yield index, {document.ndc: document.fields for document in made}
        client.flushall()


def fill(index: RedisIndex, writer: Writer, fields: list[Fields]) -> None:
    generation = Generation(*NAMES, "0", index.schema_digest(), "live", "search", "", "")
    index.take_fence("search")
    index.create_generation(generation)
    index.create_indexes(NAMES)
    index.publish(generation, None, "search")
    for one in fields:
        text = writer.text(one)
        data = vector_of(text.text)
        index.write_texts(
            NAMES.space, "search", [(text, Vector(data, 1), vector_hash(text.hash, data))]
        )


@pytest.fixture
def index(documents: tuple[RedisIndex, dict[str, Fields]]) -> RedisIndex:
    return documents[0]


@pytest.fixture
def drugs(documents: tuple[RedisIndex, dict[str, Fields]]) -> dict[str, Fields]:
    return documents[1]


def ask(index: RedisIndex, query: str, limit: int = 10, **filters: str) -> Answer:
    return search(query, NAMES, embedder=Hashed(), index=index, limit=limit, filters=filters)


def keys(answer: Answer) -> list[str]:
    return [product.packages[0]["ndc"] for product in answer.products]


def by_brute_force(
    index: RedisIndex, drugs: dict[str, Fields], query: str, limit: int, filters: dict[str, str]
) -> list[str]:
    """The head of the order, every other text by its cosine; then leave out what is filtered."""
    ordered = ask(index, query, COUNT).products
    head = [one.packages[0]["ndc"] for one in ordered if one.score > 0]
    assert [one.score > 0 for one in ordered] == [place < len(head) for place in range(COUNT)]
    wanted = to_floats(vector_of(query))
    texts = {fields["text_hash"]: ndc for ndc, fields in drugs.items()}
    records = dict(zip(texts, index.text_records(NAMES.space, list(texts)), strict=True))
    behind = sorted(
        (one for one in texts if texts[one] not in set(head)),
        key=lambda one: (-round(cosine(wanted, to_floats(records[one].vector)), 9), one),
    )
    passed = [
        ndc
        for ndc in [*head, *(texts[one] for one in behind)]
        if all(drugs[ndc].get(column) == value for column, value in filters.items())
    ]
    return passed[:limit]


@pytest.mark.parametrize(
    ("filters", "share"),
    [
        ({"dosage_form": "TABLET"}, 0.5),
        ({"route": "ROUTE | 3"}, 0.1),
        ({"manufacturer": 'O\'Hara & "Sons", Inc. \\42'}, 0.01),
        ({"gcn_seqno": "1234"}, 1 / COUNT),
    ],
    ids=["50 %", "10 %", "1 %", "one drug"],
)
@pytest.mark.parametrize("query", ["brand77", "no such words here", "hydralazine 30 mg"])
def test_a_filter_leaves_drugs_out_and_changes_no_order(
    index: RedisIndex,
    drugs: dict[str, Fields],
    query: str,
    filters: dict[str, str],
    share: float,
) -> None:
    limit = 50
    expected = by_brute_force(index, drugs, query, limit, filters)
    assert len(expected) == min(limit, math.ceil(share * COUNT))
    found = keys(ask(index, query, limit, **filters))
    # Vectors of equal distance may change places: their distances must then be the same.
    assert len(found) == len(expected)
    assert_same_but_for_ties(index, query, drugs, found, expected)


def assert_same_but_for_ties(
    index: RedisIndex, query: str, drugs: dict[str, Fields], found: list[str], expected: list[str]
) -> None:
    def distances(ndcs: list[str]) -> list[float]:
        wanted = to_floats(vector_of(query))
        hashes = [drugs[ndc]["text_hash"] for ndc in ndcs]
        records = index.text_records(NAMES.space, hashes)
        return [round(cosine(wanted, to_floats(record.vector)), 5) for record in records]

    assert distances(found) == distances(expected)


def test_widening_goes_on_until_every_product_that_passes_is_found(index: RedisIndex) -> None:
    half = COUNT // 2
    assert half > NARROW > HEAD
    found = keys(ask(index, "brand1", half + 10, dosage_form="TABLET"))
    assert len(found) == len(set(found)) == half


@pytest.mark.parametrize("text", NASTY)
def test_no_words_change_the_query(index: RedisIndex, text: str) -> None:
    before = index.count(NAMES.generation)
    assert len(ask(index, text).products) == 10
    assert index.count(NAMES.generation) == before


@pytest.mark.parametrize("text", NASTY)
@pytest.mark.parametrize(
    "column",
    ["dosage_form", "route", "manufacturer", "gcn_seqno", "dea_schedule", "drug_class"],
)
def test_no_filter_lets_through_what_it_does_not_name(
    index: RedisIndex, column: str, text: str
) -> None:
    assert ask(index, "brand7", **{column: text}).products == []
    assert index.texts_of_drugs(NAMES.generation, {column: text}, 10) == []


def test_a_filter_on_another_column_is_a_defect(index: RedisIndex) -> None:
    with pytest.raises(ValueError, match="no column to filter by"):
        ask(index, "brand7", **{"text_hash:{*} @route": "x"})


@pytest.mark.parametrize(
    "written", ["00000-0012-34", "00000001234", "0000-0012-34", "NDC 00000-0012-34"]
)
def test_an_ndc_goes_straight_to_its_drug(index: RedisIndex, written: str) -> None:
    assert keys(ask(index, written)) == ["00000001234"]
    assert keys(ask(index, written, dosage_form="TABLET")) != ["00000001234"]


def test_names_that_look_alike_are_not_swapped(index: RedisIndex) -> None:
    for name in ("hydroxyzine", "hydralazine"):
        generics = [p.packages[0]["generic_name"] for p in ask(index, name).products]
        assert set(generics) == {name}


def test_a_misspelt_name_is_put_right_and_said_so(index: RedisIndex) -> None:
    found = ask(index, "hydroxizine")
    assert found.corrected == {"hydroxizine": "hydroxyzine"}
    assert {p.packages[0]["generic_name"] for p in found.products} == {"hydroxyzine"}


def test_a_strength_in_the_words_comes_first(index: RedisIndex) -> None:
    first = ask(index, "hydralazine 1500 mg").products[0].packages[0]
    assert (first["generic_name"], first["strength"]) == ("hydralazine", "1500 mg/1")


def test_a_query_that_spells_a_name_asks_no_model_unless_names_are_too_few(
    index: RedisIndex,
) -> None:
    model = Hashed()
    for limit, asked in ((10, []), (COUNT, ["hydralazine 30 mg"])):
        found = search("hydralazine 30 mg", NAMES, embedder=model, index=index, limit=limit)
        assert len(found.products) == limit
        assert model.asked == asked


def test_without_a_model_words_alone_are_searched(index: RedisIndex) -> None:
    def by_words(query: str, **filters: str) -> Answer:
        return search(query, NAMES, embedder=None, index=index, filters=filters)

    assert by_words("hydroxizine").corrected == {"hydroxizine": "hydroxyzine"}
    assert len(by_words("class 3").products) == 10
    assert by_words("no such words here").products == []
    assert keys(by_words("brand77", gcn_seqno="77")) == ["00000000077"]
    assert by_words("brand77", gcn_seqno="78").products == []


def test_a_text_that_is_gone_is_not_found_though_its_columns_are_kept(index: RedisIndex) -> None:
    gone = ask(index, "brand55").texts[0]
    key = f"text:{NAMES.space}:{gone}"
    with redis.Redis.from_pool(index._client.connection_pool) as client:
        held = client.hgetall(key)
        client.delete(key)
        try:
            assert gone not in ask(index, "brand55").texts
        finally:
            client.hset(key, mapping=held)


def test_values_are_counted_under_the_filters(index: RedisIndex) -> None:
    texts = ask(index, "brand7").texts
    counts = index.count_values(
        NAMES.generation, texts, {"route": "ROUTE | 3"}, ["route", "dea_schedule"]
    )
    assert list(counts["route"]) == ["ROUTE | 3"]
    assert counts["dea_schedule"] == {}


def test_golden_queries_that_cannot_count_are_left_out(index: RedisIndex) -> None:
    queries = [
        GoldenQuery(query="hydroxizine", expect=("hydroxyzine",)),
        GoldenQuery(query="hydroxyzine", expect=("hydralazine",)),
        GoldenQuery(query="aspirin", expect=("aspirin",), if_present=True),
        GoldenQuery(query="aspirin", expect=("aspirin", "brand77"), if_present=True),
        GoldenQuery(query="warfarin", expect=("warfarin",)),
    ]
    counted = that_count(queries, NAMES, index)
    assert counted == [queries[0], queries[1], queries[3], queries[4]]
    missed = unanswered(
        counted[:2] + counted[3:],
        NAMES,
        embedder=Hashed(),
        index=index,
        synonyms=fda_synonyms(),
    )
    assert missed == ["hydroxyzine", "warfarin"]
