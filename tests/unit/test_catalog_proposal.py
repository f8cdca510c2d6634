"""What `catalog init` makes of a table's columns and first rows."""

from __future__ import annotations

import pytest

from local.catalogs.headings import match
from local.catalogs.proposal import Proposal, SourceColumn, propose
from local.errors import LocalError

HEADINGS = {
    "First Databank": (
        "NDC LN60 BN GCN_SEQNO INNOV DEA",
        "ndc drug_name brand_name gcn_seqno is_brand dea_schedule",
    ),
    "openFDA": (
        "package_ndc brand_name generic_name labeler_name pharm_class",
        "ndc brand_name generic_name manufacturer drug_class",
    ),
    "the FDA's files": (
        "NDCPACKAGECODE PROPRIETARYNAME NONPROPRIETARYNAME ROUTENAME PHARM_CLASSES",
        "ndc brand_name generic_name route drug_class",
    ),
    "German": (
        "PZN Arzneimittel Wirkstoff Darreichungsform Wirkstaerke Hersteller Im-Handel",
        "ndc drug_name generic_name dosage_form strength manufacturer is_active",
    ),
    "Japanese": (
        "ＹＪコード 医薬品名 一般名 剤形 規格 メーカー 薬効分類名",
        "ndc drug_name generic_name dosage_form strength manufacturer drug_class",
    ),
    "French": (
        "code_cip Dénomination Principe-Actif Forme Voie_d'administration Titulaire",
        "ndc drug_name generic_name dosage_form route manufacturer",
    ),
}


@pytest.mark.parametrize("language", HEADINGS)
def test_headings_of_the_field_are_known(language: str) -> None:
    theirs, ours = HEADINGS[language]
    found = match(theirs.split())
    assert {found[name] for name in ours.split()} <= set(theirs.split())
    for name, heading in zip(ours.split(), theirs.split(), strict=True):
        assert found[name] == heading


def test_where_no_column_names_the_drug_its_brand_does_or_else_its_generic_name() -> None:
    assert match(["Handelsname", "Wirkstoff"])["drug_name"] == "Handelsname"
    assert match(["Wirkstoff"])["drug_name"] == "Wirkstoff"


def proposed(key: str, kind: str, *values: str, unique: bool = True, **chosen: str) -> Proposal:
    columns = [SourceColumn(key, kind, unique), SourceColumn("name", "varchar(20)")]
    return propose("t1", "drugs", columns, [{key: value} for value in values], chosen)


KEYS = {
    "dashes": (("package_ndc", "varchar(13)", "0002-0800-01"), "ndc11", "SUBSTRING_INDEX"),
    "an NDC as a number": (("ndc", "bigint(20)", "2080001", "55513002101"), "ndc11", "LPAD(`ndc`"),
    "a PZN": (("PZN", "int(11)", "123456"), "catalog_key", "LPAD(`PZN`, 8, '0')"),
    "another number": (("drug_id", "int(11)", "7"), "catalog_key", "CAST(`drug_id` AS CHAR(20))"),
}


@pytest.mark.parametrize("case", KEYS)
def test_a_key_that_pages_cannot_be_made_of_is_stored_as_text(case: str) -> None:
    given, made, words = KEYS[case]
    found = proposed(*given)
    assert found.columns["ndc"] == f"t.`{made}`"
    (alter,) = found.alter
    assert words in alter
    assert alter.endswith("STORED UNIQUE")
    assert words in found.now["ndc"]
    assert made in found.notes[0]


def test_a_key_without_an_index_gets_one() -> None:
    found = proposed("ndc", "char(11)", "00002080001", unique=False)
    assert found.alter == ("ALTER TABLE `t1` ADD UNIQUE (`ndc`)",)


def test_codes_of_products_are_named() -> None:
    assert "names products" in proposed("product_ndc", "varchar(12)", "0002-0800").notes[0]


def test_a_table_that_is_a_catalog_needs_no_view() -> None:
    columns = [SourceColumn("ndc", "char(11)", unique=True), SourceColumn("drug_name", "text")]
    found = propose("my_drugs", "drugs", columns, [{"ndc": "00002080001"}], {})
    assert (found.view, found.sql) == ("my_drugs", "")


def test_flags_in_other_words_become_ours() -> None:
    columns = [
        SourceColumn("ndc", "char(11)", unique=True),
        SourceColumn("name", "text"),
        SourceColumn("aktiv", "char(1)"),
        SourceColumn("後発品", "char(1)"),
    ]
    rows = [{"ndc": "1", "aktiv": "J", "後発品": "○"}, {"ndc": "2", "aktiv": "n", "後発品": ""}]
    found = propose("t1", "drugs", columns, rows, {}).columns
    assert found["is_active"].endswith(
        "IN ('j') THEN '1' WHEN LOWER(TRIM(t.`aktiv`)) IN ('n') THEN '0' ELSE t.`aktiv` END"
    )
    assert found["is_generic"].endswith(
        "IN ('○') THEN '1' WHEN COALESCE(LOWER(TRIM(t.`後発品`)), '') = '' THEN '0' "
        "ELSE t.`後発品` END"
    )


def test_the_text_has_the_columns_that_there_are() -> None:
    assert proposed("ndc", "char(11)", "1").template == "{drug_name}"


def test_a_person_decides() -> None:
    found = proposed("ndc", "char(11)", "1", brand_name="name", drug_name="ndc")
    assert found.columns["drug_name"] == "t.`ndc`"
    assert found.columns["brand_name"] == "t.`name`"


def test_what_is_not_there_is_said() -> None:
    with pytest.raises(LocalError, match="there is no column 'titel'; there are: ndc, name"):
        proposed("ndc", "char(11)", "1", drug_name="titel")
    with pytest.raises(LocalError, match=r"looks like drug_name; name it with --column drug_name="):
        propose("t1", "drugs", [SourceColumn("ndc", "char(11)", unique=True)], [], {})
