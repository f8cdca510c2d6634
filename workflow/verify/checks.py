"""The checks that must hold before an index is published, each with its figures."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

from workflow.contract.events.files import Check, VerifiedPage
from workflow.contract.events.payloads import Plan
from workflow.contract.ports.model import TextRefused
from workflow.contract.ports.search import SearchIndex
from workflow.contract.ports.server import IndexFacts
from workflow.contract.settings import Settings
from workflow.contract.vectors import cosine, to_floats
from workflow.embedding.caller import Caller
from workflow.verify.recall import Nearest, recall, self_recall
from workflow.verify.samples import Sampled

REJECTED = "rejected rows and texts"
DRIFT = "rows that changed during the run"
VANISHING = "live drugs that the catalog has"
NOT_EMPTY = "not empty"
KEY_SET = "key set"
MODEL, SELF_RECALL, RECALL = "model agrees today", "self-recall@1", "recall@10"
GOLDEN = "golden queries"
NO_DAMAGE = {MODEL, SELF_RECALL, RECALL, GOLDEN}
"""Checks of searches and model. If only these fail, every document and record is correct."""


def check(name: str, passed: bool, expected: object, found: object) -> Check:
    """One check of the verification."""
    return Check(check=name, passed=passed, expected=str(expected), found=str(found))


def described(checks: Sequence[Check]) -> str:
    """What was expected and found, in one line."""
    return "; ".join(f"{one.check}: expected {one.expected}, found {one.found}" for one in checks)


def off(name: str, setting: str) -> Check:
    """A check that a setting turned off; the report says so."""
    return not_made(name, f"off: {setting} is 0")


def not_made(name: str, reason: str) -> Check:
    """A check that this run does not make, and why."""
    return check(name, True, "not asked for", reason)


def index_checks(plan: Plan, drugs: IndexFacts | None, texts: IndexFacts | None) -> list[Check]:
    """Both indexes exist with the fields that we gave them, and refused no hash of this run."""
    before = plan.failures_before
    checks = []
    for kind, facts, failures in (
        ("documents", drugs, before.documents),
        ("texts", texts, before.texts),
    ):
        if facts is None:
            checks.append(check(f"{kind} index exists", False, "yes", "no"))
        else:
            grown = facts.failures - failures
            checks.append(check(f"{kind} index refused nothing", grown <= 0, 0, grown))
            other = ", ".join(facts.unlike)
            checks.append(
                check(f"{kind} index is ours", not other, "its fields", other or "its fields")
            )
    return checks


def alias_check(plan: Plan, right: bool) -> Check:
    """The aliases point at the live indexes; other programs may search by them."""
    return check("aliases", right, plan.generation, plan.generation if right else "another index")


def document_checks(
    plan: Plan,
    pages: Sequence[VerifiedPage],
    drugs: IndexFacts | None,
    keys: int,
    change: int,
    *,
    missing: int = 0,
) -> list[Check]:
    """Every document is the catalog's row. `change` is what the switch adds to the key set.

    Up to `missing` documents come only with the switch, which counts again.
    """
    damaged = {ndc: what for page in pages for ndc, what in page.damaged.items()}
    rows = sum(page.rows for page in pages)
    kept = sum(len(page.kept) for page in pages)
    found = sum(page.documents for page in pages)
    checks = [
        check(
            "documents equal the catalog",
            not damaged,
            f"{rows} documents equal to their row",
            _named("all equal", damaged),
        ),
        check("documents of the pages", found == rows + kept, rows + kept, found),
    ]
    if drugs:
        indexed = drugs.documents
        expected = f"{keys - missing} to {keys}" if missing else keys
        fits = keys - missing <= indexed <= keys
        after = f", {indexed + change} after the next switch" if change else ""
        checks.append(check("documents indexed", fits, expected, f"{indexed}{after}"))
    if not plan.run.input.partial:
        checks.append(check(KEY_SET, keys + change == found, found, keys + change))
        checks.append(check(NOT_EMPTY, found > 0, "1 or more", found))
    return checks


def text_checks(pages: Sequence[VerifiedPage]) -> list[Check]:
    """Every text record is sound and indexed."""
    bad = {ndc: what for page in pages for ndc, what in page.bad_texts.items()}
    texts = sum(page.texts for page in pages)
    unindexed = sum(page.unindexed for page in pages)
    return [
        check("texts have their vectors", not bad, f"{texts} sound", _named("all sound", bad)),
        check(
            "texts indexed", not unindexed, "all", f"{unindexed} missing" if unindexed else "all"
        ),
    ]


def _named(fine: str, wrong: dict[str, str]) -> str:
    if not wrong:
        return fine
    shown = "; ".join(f"{ndc!r} {what}" for ndc, what in list(wrong.items())[:3])
    return f"{len(wrong)} not: {shown}"


def drift_check(pages: Sequence[VerifiedPage], settings: Settings) -> Check:
    """Rows that changed since DiffPage read them. A few may wait for the next sync."""
    rows = sum(page.rows for page in pages)
    limit = max(settings.drift_guard_rows, int(settings.drift_guard_share * rows))
    drifted = [key for page in pages for key in page.drifted]
    shown = f"{len(drifted)}" + (f", such as {drifted[0]!r}" if drifted else "")
    return check(DRIFT, len(drifted) <= limit, f"at most {limit}", shown)


def vanishing_check(pages: Sequence[VerifiedPage]) -> Check:
    """A drug that is live and in the catalog must not be missing in a new generation."""
    keys = [key for page in pages for key in page.vanishing]
    shown = f"{len(keys)} missing, such as {keys[0]!r}" if keys else "none missing"
    return check(VANISHING, not keys, "none missing", shown)


def rejected_check(
    plan: Plan, pages: Sequence[VerifiedPage], rejected_rows: int, settings: Settings
) -> Check:
    """Rows that cannot be carried, and drugs whose text the model refused.

    Even of a small catalog most must be whole; otherwise nothing is found by meaning.
    """
    rows = sum(page.rows for page in pages)
    limit = max(settings.reject_guard_rows, int(settings.reject_guard_share * rows))
    limit = min(limit, (rows + rejected_rows) // 2)
    refused = sum(len(page.refused) for page in pages)
    count = rejected_rows + refused
    passed = count <= limit or "rejects" in plan.run.input.accept
    found = f"{count}: {rejected_rows} rows, {refused} drugs whose text was refused"
    return check(REJECTED, passed, f"at most {limit}", found if count else "0")


class ModelCheck(NamedTuple):
    """Whether the model still gives the stored vectors; the hashes of damaged ones.

    `another`: no vector of earlier runs agrees, so it is another model.
    """

    check: Check
    damaged: Sequence[str] = ()
    another: bool = False


def model_check(
    caller: Caller, sampled: Sampled, own: set[str], settings: Settings, not_due: str
) -> ModelCheck | None:
    """Embed samples again.

    `own` are the hashes of this run's texts, which say nothing about the earlier model. `not_due`
    is the reason to skip it. None if no text has a vector. Raises ModelFailed and other errors that
    are retried.
    """
    if not settings.verify_texts:
        return ModelCheck(off(MODEL, "verify_texts"))
    if not_due:
        return ModelCheck(not_made(MODEL, not_due))
    if not sampled.records:
        return None
    least = settings.verify_cosine
    expected = f"{len(sampled.records)} with cosine > {least}"
    size = caller.texts_per_call
    texts = [record.text for record in sampled.records]
    parts = [texts[start : start + size] for start in range(0, len(texts), size)]
    with ThreadPoolExecutor(settings.embedding_threads) as pool:
        try:
            vectors = [vector for part in pool.map(caller.embed, parts) for vector in part]
        except TextRefused as error:
            return ModelCheck(check(MODEL, False, expected, f"refused: {error}"))
    agree = [
        cosine(to_floats(record.vector), to_floats(vector.data)) > least
        for record, vector in zip(sampled.records, vectors, strict=True)
    ]
    found = f"{sum(agree)} of {len(agree)}"
    pairs = list(zip(sampled.hashes, agree, strict=True))
    of_before = [agrees for one, agrees in pairs if one not in own]
    if not any(of_before or agree):
        found += ' (another model: start {"mode": "backfill", "reembed": true})'
        return ModelCheck(check(MODEL, False, expected, found), another=True)
    wrong = [one for one, agrees in pairs if not agrees]
    return ModelCheck(check(MODEL, not wrong, expected, found), wrong)


def recall_checks(
    index: SearchIndex,
    space: str,
    sampled: Sampled,
    exact: Nearest,
    settings: Settings,
) -> list[Check]:
    """Texts find themselves, and approximate search finds what exact search finds."""
    checks = []
    if not settings.verify_texts:
        checks.append(off(SELF_RECALL, "verify_texts"))
    elif sampled.records:
        least = settings.verify_self_recall
        share = self_recall(
            index, space, list(sampled.first(settings.verify_texts).vectors.values())
        )
        checks.append(check(SELF_RECALL, share >= least, f">= {least}", f"{share:.3f}"))
    if settings.index_algorithm == "FLAT":
        return checks
    if not settings.verify_queries:
        checks.append(off(RECALL, "verify_queries"))
    elif exact:
        least = settings.verify_recall
        share = recall(index, space, sampled.vectors, exact)
        checks.append(check(RECALL, share >= least, f">= {least}", f"{share:.3f}"))
    return checks
