"""Row -> text -> hashes -> document."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.payloads import SPACE, settings
from tests.rows import (
    COLUMNS,
    DIMENSIONS,
    Row,
    fields_of,
    make_row,
    make_rows,
    text_hash_of,
    text_of,
    vector_of,
)
from workflow.contract.documents import (
    Renderer,
    clean,
    content_hash,
    normalized,
    record_fault,
    record_of,
    renderer_of,
    space_of,
    text_hash,
)
from workflow.contract.ports.texts import Text
from workflow.contract.settings import DEFAULT_TEMPLATE

UNICODE = st.text(st.characters(exclude_categories=["Cs"]))
VALUES = st.one_of(st.none(), UNICODE)
ROWS = st.fixed_dictionaries(
    {"ndc": UNICODE.filter(str.strip), **dict.fromkeys(COLUMNS[1:], VALUES)}
)
FIELDS = st.dictionaries(UNICODE, UNICODE)


def renderer(
    template: str = DEFAULT_TEMPLATE, max_chars: int = 8000, space: str = SPACE
) -> Renderer:
    return Renderer(template, max_chars, space)


def blake2b_128(data: bytes) -> str:
    return hashlib.blake2b(data, digest_size=16).hexdigest()


@given(FIELDS)
def test_the_content_hash_is_that_of_the_canonical_json(fields: dict[str, str]) -> None:
    covered = {name: value for name, value in fields.items() if name != "content_hash"} | {
        "space": "s"
    }
    own = {"run_id", "indexed_at"}
    kept = {name: value for name, value in covered.items() if name not in own}
    text = json.dumps(kept, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert content_hash(fields, "s") == blake2b_128(text.encode())


@given(ROWS, st.randoms(use_true_random=False))
def test_a_document_does_not_depend_on_the_order_of_the_columns(row: Row, random: object) -> None:
    names = list(row)
    random.shuffle(names)  # type: ignore[attr-defined]
    assert renderer().document({name: row[name] for name in names}) == renderer().document(row)


@given(ROWS)
def test_null_empty_and_blank_are_the_same(row: Row) -> None:
    absent = {name: value for name, value in row.items() if value}
    blank = {name: value if value else " \t " for name, value in row.items()}
    assert renderer().document(absent) == renderer().document(row) == renderer().document(blank)


@given(ROWS)
def test_a_document_holds_no_blank_no_control_character_and_its_own_hashes(row: Row) -> None:
    document = renderer().document(row)
    for name, value in document.fields.items():
        if name != "ndc":
            assert value == value.strip() != ""
            assert not any(ord(one) < 32 or 127 <= ord(one) < 160 for one in value)
    assert document.content_hash == content_hash(document.fields, SPACE)
    assert document.text_hash == renderer().text(document.fields).hash


@given(UNICODE)
def test_cleaning_twice_is_cleaning_once(value: str) -> None:
    assert clean(clean(value)) == clean(value)


@given(UNICODE)
def test_folding_white_space_twice_is_folding_it_once(value: str) -> None:
    once = normalized(value)
    assert " ".join(once.split()) == once
    assert "  " not in once


@given(ROWS)
def test_a_text_is_never_empty_unless_name_and_key_fold_to_nothing(row: Row) -> None:
    text = renderer().text(renderer().document(row).fields)
    assert text.text or not row["ndc"].strip()  # type: ignore[union-attr]
    words = orjson.dumps([text.text, text.columns], option=orjson.OPT_SORT_KEYS)
    assert text.hash == blake2b_128(words)


@given(ROWS, st.integers(16, 60))
def test_a_text_is_cut_and_does_not_end_in_a_blank(row: Row, most: int) -> None:
    text = renderer(max_chars=most).text(renderer().document(row).fields).text
    assert len(text) <= most
    assert text == text.rstrip()


def test_the_made_rows_have_the_texts_and_fields_that_the_tests_say() -> None:
    for row in make_rows(40):
        document = renderer().document(row)
        own = {"text_hash", "content_hash"}
        assert {k: v for k, v in document.fields.items() if k not in own} == fields_of(row)
        assert renderer().text(document.fields).text == text_of(row)
        assert document.text_hash == text_hash_of(row)


def test_each_column_changes_the_content_hash() -> None:
    row = make_row(1)
    hashes = {renderer().document(row | {name: "other"}).content_hash for name in COLUMNS[1:]}
    assert len(hashes | {renderer().document(row).content_hash}) == len(COLUMNS)


def test_manufacturer_and_key_do_not_change_the_text() -> None:
    one = renderer().document(make_row(4))
    two = renderer().document(make_row(4, ndc="other", manufacturer="other"))
    assert one.text_hash == two.text_hash
    assert one.content_hash != two.content_hash


def test_a_model_by_its_profile_is_the_same_space_as_by_its_id() -> None:
    """The model alone decides a vector, not the account that calls it."""
    base = "amazon.titan-embed-text-v2:0"
    arn = "arn:aws:bedrock:us-east-1:111122223333:application-inference-profile/a1b2c3"
    ours = settings(embedding_model=arn, embedding_base_model=base)
    assert space_of(ours, "0") == space_of(settings(embedding_model=base), "0")
    assert ours.family == settings(embedding_model=base).family


def test_another_space_changes_every_content_hash_and_no_text_hash() -> None:
    one, two = (renderer(space=space).document(make_row(4)) for space in ("a", "b"))
    assert one.text_hash == two.text_hash
    assert one.content_hash != two.content_hash


def test_a_template_keeps_its_literals_where_a_column_is_absent() -> None:
    document = renderer("Name: {drug_name}, by {route}").document({"ndc": "1", "drug_name": "A"})
    assert renderer("Name: {drug_name}, by {route}").text(document.fields).text == "name: a, by"


def test_a_row_whose_text_columns_are_all_blank_is_named_by_its_drug_name() -> None:
    fields = renderer("for {route}").document({"ndc": "1", "drug_name": "A B"}).fields
    assert renderer("for {route}").text(fields).text == "a b"


def test_a_renderer_gives_each_row_its_own_text_whatever_it_rendered_before() -> None:
    """It keeps texts: what they are kept under must name all that they are made of."""
    rows = [
        *({"ndc": "1", "drug_name": name} for name in ("A", "B", "A")),
        *({"ndc": ndc} for ndc in ("2", "3")),
        *({"ndc": "4", "drug_name": "A", name: "X"} for name in COLUMNS[2:]),
    ]
    one = renderer("for {route}")
    assert [one.document(row) for row in rows] == [
        renderer("for {route}").document(row) for row in rows
    ]


def test_a_text_tells_the_columns_that_it_is_made_of() -> None:
    fields = renderer().document(make_row(5, brand_name=" BRAND  x ", strength=None)).fields
    columns = renderer().text(fields).columns
    assert columns["brand_name"] == "brand x"
    assert "strength" not in columns
    assert "manufacturer" not in columns


# Text records

WORDS = Text(text_hash("words", {"route": "oral"}), "words", {"route": "oral"})
SOUND = record_of(WORDS, vector_of("words"))


def test_a_record_as_it_was_made_has_no_fault() -> None:
    assert record_fault(WORDS.hash, SOUND, DIMENSIONS) is None


@pytest.mark.parametrize(
    "changed",
    [
        {"text": "word"},
        {"columns": {}},
        {"columns": {"route": "nasal"}},
        {"vector": vector_of("other")},
        {"vector": b""},
        {"refused": "not to my taste"},
        {"record_hash": ""},
    ],
    ids=str,
)
def test_no_part_of_a_record_is_changed_unseen(changed: dict[str, Any]) -> None:
    assert record_fault(WORDS.hash, SOUND._replace(**changed), DIMENSIONS)


def test_a_record_under_another_texts_key_is_told_by_its_text() -> None:
    fault = record_fault(blake2b_128(b"other"), SOUND, DIMENSIONS)
    assert fault == "its text does not belong to its key"


@pytest.mark.parametrize(
    ("vector", "words"),
    [
        (vector_of("words")[:-4], "255 dimensions, not 256"),
        (b"\0" * 4 * DIMENSIONS, "all zeros"),
        (vector_of("words")[:-4] + b"\0\0\xc0\x7f", "NaN"),
    ],
)
def test_a_vector_that_is_none_is_a_fault_though_the_hash_is_right(
    vector: bytes, words: str
) -> None:
    fault = record_fault(WORDS.hash, record_of(WORDS, vector), DIMENSIONS)
    assert words in (fault or "")


def test_a_refused_text_needs_no_vector_and_its_reason_is_covered() -> None:
    refused = record_of(WORDS, b"", "not to my taste")
    assert record_fault(WORDS.hash, refused, DIMENSIONS) is None
    assert record_fault(WORDS.hash, refused._replace(refused="other"), DIMENSIONS)


# Spaces


def test_a_space_is_the_same_for_the_same_settings() -> None:
    assert space_of(settings(), "0").id == space_of(settings(), "0").id
    assert space_of(settings(mysql_host="other"), "0").id == space_of(settings(), "0").id


def test_whatever_makes_vectors_differ_makes_another_space() -> None:
    spaces = [
        space_of(settings(), "0"),
        space_of(settings(), "1"),
        space_of(settings(embedding_dimensions=512), "0"),
        space_of(settings(embedding_normalize=False), "0"),
        space_of(settings(embedding_template="{drug_name}"), "0"),
        space_of(settings(embedding_max_chars=100), "0"),
        space_of(settings(embedding_model="cohere.embed-v4:0"), "0"),
    ]
    assert len({space.id for space in spaces}) == len(spaces)


def test_the_renderer_of_settings_cuts_where_the_model_does() -> None:
    long = {"ndc": "1", "drug_name": "x", "generic_name": "y" * 9000}
    made = renderer_of(settings(), SPACE)
    assert len(made.text(made.document(long).fields).text) == 8000
