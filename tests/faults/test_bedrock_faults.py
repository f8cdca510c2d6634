"""The model throttles, fails, is slow, or answers nonsense."""

from __future__ import annotations

from typing import Any

import pytest

from tests.faults.conftest import ROWS
from tests.faults.lab import FaultLab
from tests.faults.tally import REFUSED, RETRIED, TRIES, UNHARMED, named
from tests.lab import NO_MODEL_CHECK, before
from tests.rows import make_row, ndc, text_hash_of, text_of, texts_of
from workflow.contract.retries import QUOTA

pytestmark = pytest.mark.usefixtures("impatient_sdk")

ONE_TEXT = text_of(make_row(8))
"""Faults meet this text only, which is in one of the two pages of texts."""

SDK = 3
"""Calls that one function makes where boto3 itself retries."""

THROTTLED, OF_A_TEXT = QUOTA.attempts + 1, 3
"""Tries of a page before its run fails, or before a text that still fails is refused."""

# kind, what it is, the calls that fail one function, its error, the tries of a page
FAULTS = [
    ("ThrottlingException", "429, throttled", SDK, "EmbedderThrottled", THROTTLED),
    ("ModelNotReadyException", "429, model not ready", SDK, "EmbedderThrottled", THROTTLED),
    ("ServiceQuotaExceededException", "400, quota", 1, "EmbedderThrottled", THROTTLED),
    ("InternalServerException", "500", SDK, "EmbedderUnavailable", TRIES),
    ("ServiceUnavailableException", "503", SDK, "EmbedderUnavailable", TRIES),
    ("disconnect", "connection closed", SDK, "EmbedderUnavailable", TRIES),
]

# kind, what it is, its error: of one text, the others pass
TEXT_FAULTS = [
    ("ModelTimeoutException", "408", "ModelFailed"),
    ("ModelErrorException", "424", "ModelFailed"),
    ("truncated_json", "truncated JSON", "InvalidEmbedding"),
    ("malformed_json", "malformed JSON", "InvalidEmbedding"),
    ("wrong_dimensions", "a vector of wrong length", "InvalidEmbedding"),
    ("nan", "NaN", "InvalidEmbedding"),
    ("infinity", "infinity", "InvalidEmbedding"),
    ("zero_vector", "a zero vector", "InvalidEmbedding"),
    ("too_few_vectors", "no vector", "InvalidEmbedding"),
]


def cases() -> list[Any]:
    return [
        pytest.param(
            *(kind, calls, error, tries),
            id=kind,
            marks=[
                pytest.mark.fault("Bedrock", what, "EmbedPage", RETRIED),
                pytest.mark.fault("Bedrock", f"{what}, for ever", "EmbedPage", named(error)),
            ],
        )
        for kind, what, calls, error, tries in FAULTS
    ]


@pytest.mark.parametrize(("kind", "calls", "error", "tries"), cases())
def test_a_lasting_fault_fails_the_run_by_name_and_a_passing_one_repeats_its_page_only(
    lab: FaultLab, kind: str, calls: int, error: str, tries: int
) -> None:
    lab.control_model(faults=[{"kind": kind, "times": None, "match": ONE_TEXT}])
    lab.fail(error)
    assert lab.page_tries("EmbedPage") == [tries, 1]
    assert not lab.index.redis.exists("drugs:live")

    lab.control_model(faults=[{"kind": kind, "times": calls, "match": ONE_TEXT}])
    report = lab.succeed()
    assert lab.page_tries("EmbedPage") == [2]
    assert [one.error for one in lab.invocations if one.error] == [error]
    # Calls in flight beside the one that failed were kept, or are made again.
    assert 1 <= report.texts_embedded <= 5
    lab.assert_in_step()


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        pytest.param(
            *(kind, error),
            id=kind,
            marks=[
                pytest.mark.fault("Bedrock", what, "EmbedPage", RETRIED),
                pytest.mark.fault("Bedrock", f"{what}, for ever", "EmbedPage", REFUSED),
            ],
        )
        for kind, what, error in TEXT_FAULTS
    ],
)
def test_a_text_that_fails_for_ever_is_refused_and_a_passing_fault_repeats_its_page_only(
    lab: FaultLab, kind: str, error: str
) -> None:
    lab.control_model(faults=[{"kind": kind, "times": None, "match": ONE_TEXT}])
    report = lab.succeed()
    assert lab.page_tries("EmbedPage") == [OF_A_TEXT, 1]
    assert [one.error for one in lab.invocations if one.error] == [error] * (OF_A_TEXT - 1)
    assert report.refused_drugs == (ndc(8), ndc(9))
    assert f"failed {OF_A_TEXT} times" in report.refused_texts[0].reason
    assert set(lab.index.documents()) == set(lab.catalog.rows())

    lab.control_model(faults=[{"kind": kind, "times": 1, "match": ONE_TEXT}])
    report = lab.succeed()
    assert lab.page_tries("EmbedPage") == [2]
    assert [one.error for one in lab.invocations if one.error] == [error]
    assert (report.texts_embedded, report.texts_refused) == (1, 0)
    lab.assert_in_step()


@pytest.mark.fault("Bedrock", "424, for every text", "EmbedPage", named("ModelFailed"))
def test_a_model_that_fails_on_every_text_refuses_none_of_them(lab: FaultLab) -> None:
    lab.control_model(faults=[{"kind": "ModelErrorException", "times": None}])
    lab.fail("ModelFailed")
    assert lab.index.redis.keys("text:*") == []
    lab.converge()


@pytest.mark.fault("Bedrock", "403, for ever", "EmbedPage", named("EmbedderAccessDenied"))
def test_a_missing_permission_is_not_tried_again(lab: FaultLab) -> None:
    lab.control_model(faults=[{"kind": "AccessDeniedException", "times": None}])
    report = lab.fail("EmbedderAccessDenied")
    assert "bedrock:InvokeModel" in str(report.cause)
    assert set(lab.page_tries("EmbedPage")) == {1}
    lab.converge()


@pytest.mark.fault("Bedrock", "429, a burst over all calls", "EmbedPage", RETRIED)
def test_a_burst_of_throttling_embeds_no_text_twice(lab: FaultLab) -> None:
    lab.control_model(faults=[{"kind": "ThrottlingException", "times": 30}])
    lab.succeed(settings=NO_MODEL_CHECK)
    assert lab.embedded() == 10
    lab.assert_in_step()


@pytest.mark.fault("Bedrock", "an answer slower than the read timeout", "EmbedPage", RETRIED)
def test_a_slow_answer_is_given_up_and_asked_for_again(lab: FaultLab) -> None:
    slow = {"kind": "slow", "times": SDK, "match": ONE_TEXT, "delay_ms": 1500}
    lab.control_model(faults=[slow])
    lab.succeed(settings=NO_MODEL_CHECK | {"embedding_timeout_s": "1"})
    assert lab.page_tries("EmbedPage") == [2, 1]
    lab.assert_in_step()


@pytest.mark.fault("Bedrock", "a batch answer with too few vectors", "EmbedPage", UNHARMED)
def test_a_batch_with_too_few_vectors_gives_no_text_its_neighbours_vector(lab: FaultLab) -> None:
    lab.control_model(faults=[{"kind": "too_few_vectors", "times": 1}])
    lab.succeed(settings={"embedding_model": "cohere.embed-v4:0"})
    # The texts of that call are asked for one by one.
    assert lab.page_tries("EmbedPage") == [1, 1]
    lab.assert_in_step()


@pytest.mark.fault("Bedrock", "a text over the model's limit", "EmbedPage", REFUSED)
def test_a_drug_whose_text_is_refused_is_there_without_a_vector(lab: FaultLab) -> None:
    lab.control_model(faults=[{"kind": "ValidationException", "times": None, "match": ONE_TEXT}])
    report = lab.succeed()
    assert (report.texts_refused, report.refused_drugs) == (1, (ndc(8), ndc(9)))
    assert report.rejected == 0
    assert set(lab.index.documents()) == set(lab.catalog.rows())
    record = lab.index.texts()[text_hash_of(make_row(8))]
    assert b"refused" in record
    assert b"embedding" not in record
    report = lab.converge()
    assert (report.texts_embedded, report.added, report.changed) == (1, 0, 0)


@pytest.mark.fault("Bedrock", "a changed drug's text is refused", "EmbedPage", REFUSED)
def test_a_drug_whose_new_text_is_refused_has_its_new_document(synced: FaultLab) -> None:
    synced.catalog.update(ndc(8), strength="refused")
    rule = {"kind": "ValidationException", "times": None, "match": "refused"}
    synced.control_model(faults=[rule])
    assert synced.succeed().refused_drugs == (ndc(8),)
    assert synced.index.documents()[ndc(8)]["strength"] == "refused"
    assert synced.converge().texts_embedded == 1


@pytest.mark.parametrize("mode", ["sync", "backfill"])
@pytest.mark.fault("Bedrock", "every text is refused", "EmbedPage", named("RequestRejected"))
def test_when_every_text_is_refused_no_empty_index_is_published(lab: FaultLab, mode: str) -> None:
    lab.control_model(faults=[{"kind": "ValidationException", "times": None}])
    lab.fail("RequestRejected", mode)
    assert not lab.index.redis.exists("drugs:live")
    assert set(lab.page_tries("EmbedPage")) == {1}
    lab.converge(mode)


@pytest.mark.fault(
    *("Bedrock", "every text of the catalog is refused, others are not", "EmbedPage"),
    named("TooManyRejected"),
)
def test_when_only_the_catalogs_texts_are_refused_no_index_without_vectors_is_published(
    lab: FaultLab,
) -> None:
    texts = texts_of(lab.catalog.rows().values())
    rules = [{"kind": "ValidationException", "times": None, "match": text} for text in texts]
    lab.control_model(faults=rules)
    cause = str(lab.fail("TooManyRejected").cause)
    assert f"{ROWS} drugs whose text was refused" in cause
    assert not lab.index.redis.exists("drugs:live")
    lab.converge()


@pytest.mark.parametrize(
    ("kind", "calls", "error"),
    [
        pytest.param(*case, marks=pytest.mark.fault("Bedrock", what, "VerifyIndex", RETRIED))
        for what, *case in [
            ("429, throttled", "ThrottlingException", SDK, "EmbedderThrottled"),
            ("424", "ModelErrorException", 1, "ModelFailed"),
            ("NaN", "nan", 1, "InvalidEmbedding"),
        ]
    ],
)
def test_a_fault_while_the_index_is_verified_repeats_the_verification(
    lab: FaultLab, kind: str, calls: int, error: str
) -> None:
    rule = {"kind": kind, "times": calls, "match": ONE_TEXT}
    lab.succeed(intercept=before("VerifyIndex", lambda: lab.control_model(faults=[rule])))
    assert lab.tries("VerifyIndex") == {None: 2}
    assert [one.error for one in lab.invocations if one.error] == [error]
    lab.assert_in_step()
