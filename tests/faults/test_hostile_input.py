"""Names, keys, inputs, settings and searches that try to be more than text."""

from __future__ import annotations

import json
from typing import Any

import pytest

from handlers.wiring import wiring
from local.engine.invocations import call_through
from tests.faults.lab import FaultLab
from tests.faults.tally import REJECTED, TALLY, UNHARMED, named
from tests.rows import make_row, ndc, text_of
from workflow.contract.ports.generations import LiveNames
from workflow.contract.unseen import is_seen
from workflow.search.floor import Meaning
from workflow.search.search import search

INJECTIONS = [
    "' OR 1=1 -- ",
    "'; DELETE FROM drugs; -- ",
    '"; DROP TABLE drugs; -- ',
    "*) | (@ndc:{*}",
    "@text_hash:{*}",
    "}=>[KNN 100 @embedding $vector]",
    "{a|b} \\{c\\} (d) -e ~f %g% $h",
    "<script>alert(1)</script>",
    "\u202egnirts desrever\u200f",
    "💊" * 20,
    "%s %(x)s {0.__class__} {ndc!r} ${jndi:ldap://x}",
    "\r\nSET drugs:live x\r\n",
]


@pytest.mark.fault("Input", "hostile names and values", "(all)", UNHARMED)
def test_hostile_values_are_stored_as_they_are_and_found_by_their_text(lab: FaultLab) -> None:
    plain = [one for one in INJECTIONS if "\r" not in one]
    for number, value in enumerate(plain, start=50):
        everywhere = dict.fromkeys(("drug_name", "generic_name", "manufacturer", "route"), value)
        lab.catalog.insert(make_row(2 * number, **everywhere))
    lab.succeed()
    lab.assert_in_step()
    for number in range(50, 50 + len(plain)):
        row = lab.catalog.rows()[ndc(2 * number)]
        assert ndc(2 * number) in {drug["ndc"] for drug in lab.index.nearest(text_of(row))}


@pytest.mark.fault("Input", "control characters in a value", "(all)", UNHARMED)
def test_control_characters_split_no_protocol_and_no_log_line(lab: FaultLab) -> None:
    lab.catalog.insert(make_row(77, drug_name="a\x01b\r\nSET drugs:live x\r\n\x1b[31m"))
    lab.succeed(run_id="control")
    assert lab.index.documents()[ndc(77)]["drug_name"] == "a b SET drugs:live x [31m"
    for line in (lab.stack.root / "runs/control/log.jsonl").read_text().splitlines():
        assert isinstance(json.loads(line), dict)


@pytest.mark.fault("Input", "a NUL in a value", "DiffPage", REJECTED)
def test_a_value_with_a_nul_is_a_rejected_row_and_the_others_are_loaded(lab: FaultLab) -> None:
    lab.catalog.insert(make_row(77, drug_name="a\x00b"))
    report = lab.succeed()
    assert [(row.ndc, row.column) for row in report.rejected_rows] == [(ndc(77), "drug_name")]
    assert set(lab.index.documents()) == set(lab.catalog.rows()) - {ndc(77)}


@pytest.mark.fault("Input", "a name of 64 KiB", "(all)", UNHARMED)
def test_a_name_of_64_kib_is_kept_whole_and_its_text_is_cut(lab: FaultLab) -> None:
    lab.catalog.insert(make_row(77, generic_name="ä" * 32_000, drug_class="x" * 65_535))
    lab.succeed()
    lab.assert_in_step()


@pytest.mark.fault("Input", "hostile keys", "(all)", UNHARMED)
def test_hostile_keys_are_loaded_renamed_and_removed_like_any_other(lab: FaultLab) -> None:
    keys = [one[:60] for one in INJECTIONS if is_seen(one)] + ["a:b:c", "x" * 64, "é/../*?[a]"]
    for number, key in enumerate(keys):
        lab.catalog.insert(make_row(100 + number, ndc=key))
    lab.converge(page_size=3)
    lab.catalog.delete(*keys[::2])
    for key in keys[1::2]:
        lab.catalog.update(key, manufacturer="Another")
    lab.converge(page_size=3)


@pytest.mark.fault("Input", "a key that reads as another one", "DiffPage", REJECTED)
def test_a_key_that_reads_as_another_one_is_a_rejected_row(lab: FaultLab) -> None:
    """A mark that reverses text, a letter without a shape, a zero-width space, a no-break space."""
    looks_alike = [ndc(2)[:5] + one + ndc(2)[5:] for one in "\u202e\u3164\u200b\xa0"]
    for number, key in enumerate(looks_alike):
        lab.catalog.insert(make_row(100 + number, ndc=key))
    report = lab.succeed()
    assert {(row.ndc, row.column) for row in report.rejected_rows} == {
        (key, "ndc") for key in looks_alike
    }
    assert all(row.value.isascii() for row in report.rejected_rows)
    assert set(lab.index.documents()) == set(lab.catalog.rows()) - set(looks_alike)


@pytest.mark.fault("Input", "SQL in a key range", "AcceptRun", UNHARMED)
def test_a_key_range_is_a_value_and_never_sql(synced: FaultLab) -> None:
    held = synced.catalog.rows()
    for injection in INJECTIONS[:4]:
        report = synced.succeed(after_key=injection, through_key="\U0010ffff", page_size=3)
        assert report.catalog_rows == sum(key.encode() > injection.encode() for key in held)
    assert synced.catalog.rows() == held
    synced.converge()


WRONG_INPUTS: list[dict[str, Any]] = [
    {"mode": "sync'; --"},
    {"dry_run": "false"},
    {"dry_run": 0},
    {"after_key": ["a"]},
    {"after_key": ""},
    {"after_key": "b", "through_key": "a"},
    {"page_size": "10"},
    {"page_size": 0},
    {"page_size": 10**9},
    {"accept": ["everything"]},
    {"accept": "deletes"},
    {"reembed": True},
    {"unknown": 1},
    {"__proto__": {}},
    {"plan": "../../another"},
    {"plan": "--help"},
]


@pytest.mark.fault("Input", "a wrong field", "AcceptRun", named("InvalidInput"))
def test_a_wrong_input_is_refused_by_field_before_anything_is_read(synced: FaultLab) -> None:
    held = synced.index.dump()
    with synced.machine() as machine:
        for number, run_input in enumerate(WRONG_INPUTS):
            TALLY.runs += 1
            outcome = machine.wait(machine.start(run_input, f"wrong-{number}"))
            assert (outcome.status, outcome.error) == ("FAILED", "InvalidInput"), run_input
            assert next(iter(run_input)) in str(outcome.cause)
    assert synced.index.dump() == held


HOSTILE_SETTINGS = [
    ("catalog_table", "drugs; DROP TABLE drugs"),
    ("catalog_table", "drugs` WHERE 1=1 -- "),
    ("catalog_table", "a.b.c"),
    ("embedding_template", "{drug_name.__class__}"),
    ("embedding_template", "{drug_name!r}"),
    ("embedding_template", "{drug_name:>100000000}"),
    ("embedding_template", "{0}"),
    ("embedding_template", "no column"),
    ("index_algorithm", "FLAT 6 TYPE FLOAT32"),
    ("index_m", "16 EF_RUNTIME 1"),
    ("redis_url", "http://elsewhere"),
]


@pytest.mark.fault("Input", "a hostile setting", "AcceptRun", named("SettingsInvalid"))
def test_a_hostile_setting_is_refused_by_its_name(synced: FaultLab) -> None:
    held = synced.index.dump()
    for number, (setting, value) in enumerate(HOSTILE_SETTINGS):
        TALLY.runs += 1
        with synced.machine(call_through, **{setting: value}) as machine:
            outcome = machine.wait(machine.start({}, f"hostile-{number}"))
        assert (outcome.status, outcome.error) == ("FAILED", "SettingsInvalid"), setting
        assert setting in str(outcome.cause).lower()
    assert synced.index.dump() == held


@pytest.mark.fault(
    "Input", "a command to Redis in a setting", "PlanPages", "stopped: IndexFeatureMissing"
)
def test_a_compression_that_redis_does_not_know_is_one_argument_and_no_command(
    lab: FaultLab,
) -> None:
    wrong = {"index_algorithm": "SVS-VAMANA", "index_compression": "LVQ8 DIM 1\r\nFLUSHALL"}
    lab.fail("IndexFeatureMissing", settings=wrong)
    lab.converge()


@pytest.mark.fault("Input", "a hostile search", "(search)", "an answer, and nothing written")
def test_a_hostile_search_is_words_and_never_a_query_language(synced: FaultLab) -> None:
    held = stored(synced)
    with synced.machine():
        w = wiring()
        names = LiveNames(*synced.index.live())
        for query in [*INJECTIONS, "x" * 65_536, "\x00"]:
            for filters in ({}, {"manufacturer": query}, {"drug_class": query}):
                found = search(
                    query,
                    names,
                    meaning=Meaning(w.embedder),
                    index=w.index.search,
                    filters=filters,
                )
                assert len(found.products) <= 10
    assert stored(synced) == held


def stored(lab: FaultLab) -> dict[str, Any]:
    """All that Redis holds but the rate limiter's clock."""
    keys = lab.index.dump()["keys"].items()
    return {key: value for key, value in keys if not key.startswith("drugs:quota")}


@pytest.mark.fault("Input", "mark-up in names and keys", "ReportRun", UNHARMED)
def test_the_report_page_shows_mark_up_as_text(lab: FaultLab) -> None:
    markup = "<script>alert(1)</script>"
    lab.catalog.insert(make_row(77, ndc=markup, drug_name=markup))
    lab.succeed(run_id="markup")
    page = (lab.stack.root / "runs/markup/report.html").read_text()
    assert markup not in page
