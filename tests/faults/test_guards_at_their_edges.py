"""Guards exactly at their limits, on tiny and partial catalogs; each says figures and way out."""

from __future__ import annotations

import pytest

from tests.faults.lab import FaultLab
from tests.faults.tally import UNHARMED, named
from tests.lab import before
from tests.rows import make_row, make_rows, ndc
from workflow.contract.events.files import Baseline

FEW = {"delete_guard_rows": "2", "delete_guard_share": "0.1"}


def numbers(count: int) -> list[str]:
    return [ndc(number) for number in range(count)]


@pytest.mark.parametrize("mode", ["sync", "backfill"])
@pytest.mark.fault("Catalog", "drugs vanish", "ReviewChanges", named("DeleteGuardTripped"))
def test_the_delete_guard_lets_its_limit_pass_and_stops_one_more(
    synced: FaultLab, mode: str
) -> None:
    synced.catalog.delete(*numbers(2))  # 10 %, and 2 drugs
    synced.converge(settings=FEW)
    synced.catalog.delete(ndc(2), ndc(3), ndc(4))
    cause = str(synced.fail("DeleteGuardTripped", mode, settings=FEW).cause)
    assert "3 of 18 drugs (16.7%) would vanish" in cause
    assert "the limit is 10.0% and 2 drugs" in cause
    assert '"accept": ["deletes"]' in cause
    assert "EmbedPage" not in synced.states()
    synced.converge(mode, settings=FEW, accept=["deletes"])


@pytest.mark.fault("Catalog", "drugs of a key range vanish", "ReviewChanges", "stopped")
def test_a_partial_run_counts_the_drugs_of_its_range(synced: FaultLab) -> None:
    synced.catalog.delete(*numbers(3))
    # 3 of 5 drugs of the range, and the same 3 of all 20.
    report = synced.fail("DeleteGuardTripped", settings=FEW, through_key=ndc(4))
    assert "3 of 5 drugs" in str(report.cause)
    synced.succeed(settings=FEW, after_key=ndc(4))
    synced.converge(settings=FEW, accept=["deletes"])


@pytest.mark.fault("Catalog", "a tiny catalog", "ReviewChanges", UNHARMED)
def test_a_catalog_of_one_drug_may_change_altogether(empty_lab: FaultLab) -> None:
    empty_lab.catalog.insert(make_row(0))
    empty_lab.converge()
    empty_lab.catalog.update(ndc(0), ndc="another")
    empty_lab.converge()
    empty_lab.catalog.update("another", **dict.fromkeys(("brand_name", "route", "strength")))
    empty_lab.converge()


@pytest.mark.fault("Catalog", "the catalog shrank", "ReviewChanges", named("DeleteGuardTripped"))
def test_a_catalog_that_shrank_stops_even_where_its_index_was_emptied_by_hand(
    synced: FaultLab,
) -> None:
    settings = {"delete_guard_rows": "0", "delete_guard_share": "1", "shrink_guard_share": "0.05"}
    generation = synced.index.live()[0]
    for key in synced.index.redis.keys(f"drug:{generation}:*"):
        synced.index.redis.delete(key)
    synced.index.redis.delete(f"drugs:keys:{generation}")
    synced.catalog.delete(ndc(0))  # exactly 5 %
    report = synced.fail("DeleteGuardTripped", settings=settings, answers=False)
    assert "19 rows, 5.0% fewer than the 20 at the last publish" in str(report.cause)
    synced.converge(settings=settings, accept=["deletes"])


@pytest.mark.parametrize(
    ("value", "words"),
    [
        pytest.param(
            *(value, words),
            marks=pytest.mark.fault("Catalog", what, "ReviewChanges", named("CatalogDegraded")),
        )
        for value, words, what in [
            (
                "ACE inhibitor",
                "drug_class is 'ACE inhibitor' in 100.0%",
                "one class for all",
            ),
            (None, "drug_class is blank in 100.0%", "a column was emptied"),
            ("   ", "drug_class is blank in 100.0%", "a column was blanked"),
        ]
    ],
)
def test_a_column_that_lost_its_values_stops_the_run(
    synced: FaultLab, value: str | None, words: str
) -> None:
    synced.catalog.update_all(drug_class=value)
    cause = str(synced.fail("CatalogDegraded").cause)
    assert words in cause
    assert "the limit is a gain of 30%" in cause
    assert '"accept": ["profile"]' in cause
    synced.converge(accept=["profile"])


@pytest.mark.parametrize(("blank", "stops"), [(5, False), (6, True)])
@pytest.mark.fault(
    "Catalog", "a column lost 30 % of its values", "ReviewChanges", "stopped only above the limit"
)
def test_the_profile_guard_stops_at_its_limit_and_not_below(
    synced: FaultLab, blank: int, stops: bool
) -> None:
    for key in numbers(blank):
        synced.catalog.update(key, manufacturer=None)
    if stops:
        synced.fail("CatalogDegraded")
        synced.converge(accept=["profile"])
    else:
        synced.converge()


@pytest.mark.fault("Catalog", "over the budget", "ReviewChanges", named("BudgetExceeded"))
def test_a_budget_below_the_estimate_stops_before_the_model_is_asked(lab: FaultLab) -> None:
    price = {"usd_per_1k_tokens": "1000", "budget_usd": "0.01"}
    cause = str(lab.fail("BudgetExceeded", settings=price).cause)
    assert "10 texts" in cause
    assert "budget_usd is $0.01" in cause
    assert lab.embedded() == 0
    lab.converge(settings=price, accept=["budget"])
    # Nothing to embed costs nothing, whatever the price.
    lab.converge(settings={"usd_per_1k_tokens": "1000", "budget_usd": "0"})


@pytest.mark.parametrize(("limit", "stops"), [("2", False), ("1", True)])
@pytest.mark.fault(
    "Catalog", "refused texts at the limit", "VerifyIndex", "stopped only above the limit"
)
def test_refused_texts_stop_above_their_limit(lab: FaultLab, limit: str, stops: bool) -> None:
    rule = {"kind": "ValidationException", "times": None, "match": "brand 4"}
    lab.control_model(faults=[rule])  # drugs 8 and 9
    settings = {"reject_guard_rows": limit, "reject_guard_share": "0"}
    if not stops:
        assert lab.succeed(settings=settings).refused_drugs == (ndc(8), ndc(9))
        return
    cause = str(lab.fail("TooManyRejected", settings=settings).cause)
    assert "expected at most 1, found 2" in cause
    assert '"accept": ["rejects"]' in cause
    report = lab.succeed(settings=settings, accept=["rejects"])
    assert report.refused_drugs == (ndc(8), ndc(9))
    lab.converge(settings=settings)


@pytest.mark.parametrize(("limit", "stops"), [("2", False), ("1", True)])
@pytest.mark.fault(
    "Catalog", "unreadable rows at the limit", "ReviewChanges", "stopped only above the limit"
)
def test_unreadable_rows_stop_above_their_limit_before_anything_is_written(
    lab: FaultLab, limit: str, stops: bool
) -> None:
    for number in (3, 14):
        lab.catalog.update(ndc(number), is_active="perhaps")
    settings = {"reject_guard_rows": limit, "reject_guard_share": "0"}
    if not stops:
        report = lab.succeed(settings=settings)
        assert [row.ndc for row in report.rejected_rows] == [ndc(3), ndc(14)]
        assert len(lab.index.documents()) == 18
        return
    cause = str(lab.fail("TooManyRejected", settings=settings).cause)
    assert "2 of 20 rows are rejected" in cause
    assert '"accept": ["rejects"]' in cause
    assert "EmbedPage" not in lab.states()
    assert lab.succeed(settings=settings, accept=["rejects"]).rejected == 2


@pytest.mark.parametrize(("limit", "stops"), [("3", False), ("2", True)])
@pytest.mark.fault(
    "Catalog", "changes at the limit of one switch", "ReviewChanges", "stopped only above the limit"
)
def test_a_switch_stops_above_its_limit_and_a_backfill_does_not(
    synced: FaultLab, limit: str, stops: bool
) -> None:
    for number in (3, 14):
        synced.catalog.update(ndc(number), manufacturer="Another")
    synced.catalog.delete(ndc(0))
    settings = {"switch_limit": limit}
    if stops:
        cause = str(synced.fail("SwitchTooLarge", settings=settings).cause)
        assert "3 drugs change" in cause
        assert '{"mode": "backfill"}' in cause
        assert "LoadPage" not in synced.states()
        synced.converge("backfill", settings=settings)
    else:
        synced.converge(settings=settings)


@pytest.mark.parametrize(("limit", "stops"), [("2", False), ("1", True)])
@pytest.mark.fault(
    "Catalog", "rows that change under a run", "VerifyIndex", "stopped only above the limit"
)
def test_drift_stops_above_its_limit(synced: FaultLab, limit: str, stops: bool) -> None:
    held = synced.index.documents()

    def change() -> None:
        for number in (3, 14):
            synced.catalog.update(ndc(number), manufacturer="Another")

    settings = {"drift_guard_rows": limit, "drift_guard_share": "0"}
    meanwhile = before("VerifyPage", change)
    if stops:
        report = synced.fail("CatalogMoved", intercept=meanwhile, settings=settings)
        assert "rows that changed during the run: expected at most 1, found 2" in str(report.cause)
    else:
        report = synced.succeed(intercept=meanwhile, settings=settings)
        assert report.drifted == (ndc(3), ndc(14))
    assert synced.index.documents() == held
    synced.converge(settings=settings)


@pytest.mark.fault(
    "Catalog", "a first run with a constant column", "ReviewChanges", "a warning in the report"
)
def test_a_first_run_warns_of_a_constant_column_and_goes_on(lab: FaultLab) -> None:
    lab.catalog.update_all(drug_class="ACE inhibitor")
    report = lab.converge()
    assert any("drug_class is 'ACE inhibitor' in every row" in one for one in report.warnings)


@pytest.mark.fault("Catalog", "a partial run over a degraded catalog", "ReviewChanges", UNHARMED)
def test_a_partial_run_neither_judges_nor_records_columns(synced: FaultLab) -> None:
    judged = {"rows", "profile"}
    was = Baseline.model_validate_json(synced.index.generation()["baseline"])
    synced.catalog.update_all(drug_class="ACE inhibitor")
    synced.succeed(through_key=ndc(9))
    after = Baseline.model_validate_json(synced.index.generation()["baseline"])
    assert after.model_dump(include=judged) == was.model_dump(include=judged)
    synced.fail("CatalogDegraded")
    synced.catalog.clear()
    synced.catalog.insert(*make_rows(20))
    synced.converge()
