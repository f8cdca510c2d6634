"""Whether the verification calls the model. A run that embeds nothing rarely needs to."""

import hashlib
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

import orjson

from workflow.contract.events.files import Baseline, ModelAsked, Review
from workflow.contract.events.payloads import Plan
from workflow.contract.settings import Settings
from workflow.verify.golden import GoldenQuery


class Due(NamedTuple):
    """`asked` is recorded if the checks are made; `reason` says why they are not."""

    asked: ModelAsked
    reason: str = ""


def model_due(
    plan: Plan,
    review: Review,
    baseline: Baseline,
    queries: Sequence[GoldenQuery],
    settings: Settings,
    now: datetime,
) -> Due:
    """The model is asked if texts, golden queries or settings changed, and after
    `verify_model_days`.

    A verification that a user starts always asks it.
    """
    last = baseline.asked
    floor = last.floor if last and last.space == plan.space else None
    questions = _digest(queries, settings)
    asked = ModelAsked(at=now, space=plan.space, questions=questions, floor=floor)
    if review.embed_pages or plan.run.input.dry_run or last is None:
        return Due(asked)
    same = (last.space, last.questions) == (asked.space, asked.questions)
    if not same or now - last.at >= timedelta(days=settings.verify_model_days):
        return Due(asked)
    return Due(
        asked,
        f"not asked: nothing was embedded, and the model was asked on {last.at:%Y-%m-%d} "
        f"(verify_model_days {settings.verify_model_days})",
    )


def _digest(queries: Sequence[GoldenQuery], settings: Settings) -> str:
    asked = [
        *(settings.verify_texts, settings.verify_cosine, settings.synonyms_file),
        *(query.model_dump() for query in queries),
    ]
    return hashlib.blake2b(orjson.dumps(asked), digest_size=8).hexdigest()
