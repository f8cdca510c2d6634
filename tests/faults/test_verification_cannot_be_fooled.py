"""Every defect, planted when all is loaded: named, never published, and repaired by the next run.

The defects are planted right before VerifyPages, where nothing but the verification can notice
them, and once more between two runs, where the next sync may repair them before it verifies.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.faults import planted
from tests.faults.lab import FaultLab
from tests.faults.tally import UNHARMED, named
from tests.lab import before
from tests.rows import ndc
from tests.servers import IndexReader

Plant = Callable[[IndexReader], None]

DOCUMENTS = "documents equal the catalog"
TEXTS = "texts have their vectors"
MODEL = "model agrees today"

# The defect, the check that names it
DEFECTS: list[tuple[Plant, str]] = [
    (planted.missing_documents, DOCUMENTS),
    (planted.missing_documents_and_their_keys, DOCUMENTS),
    (planted.extra_document, DOCUMENTS),
    (planted.one_missing_and_one_extra, DOCUMENTS),
    (planted.document_outside_the_key_set, "documents indexed"),
    (planted.key_without_a_document, DOCUMENTS),
    (planted.key_set_lost, "key set"),
    (planted.edited_field, DOCUMENTS),
    (planted.added_field, DOCUMENTS),
    (planted.stale_hash, DOCUMENTS),
    (planted.stale_document, DOCUMENTS),
    (planted.two_documents_swapped, DOCUMENTS),
    (planted.two_documents_of_one_page_swapped, DOCUMENTS),
    (planted.two_documents_of_one_text_swapped, DOCUMENTS),
    (planted.document_of_another_type, DOCUMENTS),
    (planted.text_record_missing, TEXTS),
    (planted.text_record_of_another_type, TEXTS),
    (planted.edited_text, TEXTS),
    (planted.vector_missing, TEXTS),
    (planted.vector_cut, TEXTS),
    (planted.wrong_vector, TEXTS),
    (planted.forged_vector, MODEL),
    (planted.zero_vector, TEXTS),
    (planted.edited_brand_name_of_a_text, TEXTS),
    (planted.two_vectors_swapped, TEXTS),
    (planted.unindexed_documents, "documents indexed"),
    (planted.unindexed_texts, "texts indexed"),
    (planted.one_text_outside_the_index, "texts indexed"),
    (planted.documents_index_with_other_fields, "documents index is ours"),
    (planted.texts_index_with_another_metric, "texts index is ours"),
    (planted.documents_index_missing, "documents index exists"),
    (planted.texts_index_missing, "texts index exists"),
    (planted.alias_on_another_index, "aliases"),
    (planted.alias_missing, "aliases"),
]


def cases() -> list[Any]:
    return [
        pytest.param(
            *(plant, check),
            id=plant.__name__,
            marks=pytest.mark.fault(
                *("Redis", plant.__name__.replace("_", " "), "VerifyPages"),
                named("VerificationFailed"),
            ),
        )
        for plant, check in DEFECTS
    ]


@pytest.mark.parametrize(("plant", "check"), cases())
def test_a_planted_defect_is_named_never_published_and_repaired_by_the_next_sync(
    synced: FaultLab, plant: Plant, check: str
) -> None:
    # A run that embeds nothing does not call the model: a new text brings it there.
    synced.catalog.update(ndc(0), strength="999 mg/1")
    intercept = before("VerifyPage", lambda: plant(synced.index))
    report = synced.fail("VerificationFailed", intercept=intercept, answers=False)
    failed = [one.check for one in report.verification if not one.passed]
    assert check in failed, failed
    assert check in str(report.cause)
    assert "PublishIndex" not in synced.states()
    synced.converge()
    assert not synced.index.repair() & set(synced.catalog.rows())


@pytest.mark.fault(
    *("Bedrock", "the model changed under its name", "VerifyIndex"), named("VerificationFailed")
)
def test_vectors_of_another_model_are_named_and_replaced_by_embedding_afresh(
    synced: FaultLab,
) -> None:
    planted.all_vectors_of_another_model(synced.index)
    synced.catalog.update(ndc(3), strength="999 mg/1")
    report = synced.fail("VerificationFailed", answers=False)
    assert [one.check for one in report.verification if not one.passed] == ["model agrees today"]
    assert '"reembed": true' in str(report.cause)
    # No new text is left to embed, and the two models may not meet all the same.
    again = synced.fail("VerificationFailed", answers=False)
    assert '"reembed": true' in str(again.cause)
    synced.converge("backfill", reembed=True)


@pytest.mark.fault(
    *("Bedrock", "the model changed, and most texts are new", "VerifyIndex"),
    named("VerificationFailed"),
)
def test_the_texts_of_the_run_itself_do_not_hide_another_model(synced: FaultLab) -> None:
    planted.all_vectors_of_another_model(synced.index)
    for number in range(0, 16, 2):
        synced.catalog.update(ndc(number), strength=f"{number} mg of late")
        synced.catalog.update(ndc(number + 1), strength=f"{number} mg of late")
    for _ in range(2):
        report = synced.fail("VerificationFailed", answers=False)
        assert '"reembed": true' in str(report.cause)
    synced.converge("backfill", reembed=True)


@pytest.mark.parametrize(
    "plant",
    [
        pytest.param(
            one,
            id=one.__name__,
            marks=pytest.mark.fault(
                "Redis", f"{one.__name__.replace('_', ' ')}, between runs", "DiffPage", UNHARMED
            ),
        )
        for one in (
            planted.missing_documents,
            planted.document_of_another_type,
            planted.stale_document,
            planted.documents_index_missing,
            planted.texts_index_missing,
            planted.alias_on_another_index,
        )
    ],
)
def test_what_a_sync_can_see_it_mends_at_once(synced: FaultLab, plant: Plant) -> None:
    plant(synced.index)
    synced.converge()


def test_a_defect_beyond_the_key_range_of_a_partial_sync_waits_for_a_whole_one(
    synced: FaultLab,
) -> None:
    planted.edited_field(synced.index)  # drug 3
    synced.succeed(after_key=ndc(9))
    synced.fail("VerificationFailed", answers=False)
    synced.converge()


def test_a_defect_of_a_new_generation_leaves_the_live_one_as_it_was(synced: FaultLab) -> None:
    first, held = synced.index.live()[0], synced.index.documents()

    def spoil() -> None:
        key = f"drug:{synced.generation('second')}:{ndc(3)}"
        synced.index.redis.hset(key, "drug_name", "Another")

    report = synced.fail(
        "VerificationFailed", "backfill", run_id="second", intercept=before("VerifyPage", spoil)
    )
    assert ndc(3) in str(report.cause)
    assert synced.index.documents(first) == held
    assert synced.index.alias("drugs") == f"drugs:{first}"
    assert synced.generation_states() == {"first": "live", "second": "building"}
    synced.converge("backfill")
    assert "second" not in synced.generation_states()
