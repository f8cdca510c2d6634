"""What must hold before an index goes live, each with its figures."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from workflow.contract.errors import ModelFailed
from workflow.contract.events.files import Check, PageEmbedded, VerifiedPage
from workflow.contract.events.payloads import Plan
from workflow.contract.ports.model import TextRefused
from workflow.contract.ports.search import SearchIndex
from workflow.contract.ports.server import IndexFacts
from workflow.contract.settings import Settings
from workflow.contract.vectors import cosine, to_floats
from workflow.embedding.caller import Caller
from workflow.verify.recall import merge_nearest, recall, self_recall
from workflow.verify.samples import Sampled

REJECTED = "rejected rows and texts"
DRIFT = "rows that changed during the run"
VANISHING = "live drugs that the catalog has"
MODEL, SELF_RECALL, RECALL = "model agrees today", "self-recall@1", "recall@10"
GOLDEN = "golden queries"
NO_DAMAGE = {MODEL, SELF_RECALL, RECALL, GOLDEN}
"""Checks of searches and model: where only they fail, every document and record is right."""


def check(name: str, passed: bool, expected: object, found: object) -> Check:
    """One line of the verification."""
    return Check(check=name, passed=passed, expected=str(expected), found=str(found))


def described(checks: Sequence[Check]) -> str:
    """What was expected and found, in one line."""
    return "; ".join(f"{one.check}: expected {one.expected}, found {one.found}" for one in checks)


def off(name: str, setting: str) -> Check:
    """A check that its own setting turns off says so."""
    return check(name, True, "not asked for", f"off: {setting} is 0")


def index_checks(plan: Plan, drugs: IndexFacts | None, texts: IndexFacts | None) -> list[Check]:
    """Both indexes exist and refused nothing in this run."""
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
    return checks


def document_checks(
    plan: Plan, pages: Sequence[VerifiedPage], drugs: IndexFacts | None, keys: int, change: int
) -> list[Check]:
    """Every document is the catalog's row. `change` is what the switch adds to the key set."""
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
        checks.append(check("documents indexed", indexed == keys, keys, indexed))
    if not plan.run.input.partial:
        checks.append(check("key set", keys + change == found, found, keys + change))
        checks.append(check("not empty", found > 0, "1 or more", found))
    return checks


def text_checks(pages: Sequence[VerifiedPage]) -> list[Check]:
    """Every text record is sound, and the index knows it."""
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
    """Rows that changed since DiffPage: a few are left for the next sync."""
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
    """Rows that cannot be carried, and drugs whose text the model refused."""
    rows = sum(page.rows for page in pages)
    limit = max(settings.reject_guard_rows, int(settings.reject_guard_share * rows))
    refused = sum(len(page.refused) for page in pages)
    count = rejected_rows + refused
    passed = count <= limit or "rejects" in plan.run.input.accept
    found = f"{count}: {rejected_rows} rows, {refused} drugs whose text was refused"
    return check(REJECTED, passed, f"at most {limit}", found if count else "0")


def model_check(caller: Caller, sampled: Sampled, settings: Settings) -> tuple[Check, list[str]]:
    """The model of today gives the vectors that are stored; the hashes of those where it does not.

    Where it agrees with some only, the others are damaged.
    """
    least = settings.verify_cosine
    expected = f"{len(sampled.records)} with cosine > {least}"
    size = caller.texts_per_call
    texts = [record.text for record in sampled.records]
    parts = [texts[start : start + size] for start in range(0, len(texts), size)]
    with ThreadPoolExecutor(settings.embedding_threads) as pool:
        try:
            vectors = [vector for part in pool.map(caller.embed, parts) for vector in part]
        except (TextRefused, ModelFailed) as error:
            return check(MODEL, False, expected, f"refused: {error}"), []
    agree = [
        cosine(to_floats(record.vector), to_floats(vector.data)) > least
        for record, vector in zip(sampled.records, vectors, strict=True)
    ]
    found = f"{sum(agree)} of {len(agree)}"
    if not any(agree):
        found += ' (another model: start {"mode": "backfill", "reembed": true})'
        return check(MODEL, False, expected, found), []
    pairs = zip(sampled.hashes, agree, strict=True)
    return check(MODEL, all(agree), expected, found), [one for one, agrees in pairs if not agrees]


def recall_checks(
    index: SearchIndex,
    space: str,
    sampled: Sampled,
    pages: Sequence[VerifiedPage],
    settings: Settings,
) -> list[Check]:
    """Texts find themselves, and approximate search finds what exact search finds."""
    checks = []
    if not settings.verify_texts:
        checks.append(off(SELF_RECALL, "verify_texts"))
    elif sampled.records:
        least = settings.verify_self_recall
        share = self_recall(index, space, sampled.vectors[: settings.verify_texts])
        checks.append(check(SELF_RECALL, share >= least, f">= {least}", f"{share:.3f}"))
    exact = merge_nearest([page.nearest for page in pages])
    if settings.index_algorithm == "FLAT":
        return checks
    if not settings.verify_queries:
        checks.append(off(RECALL, "verify_queries"))
    elif exact:
        least = settings.verify_recall
        share = recall(index, space, sampled.vectors[: len(exact)], exact)
        checks.append(check(RECALL, share >= least, f">= {least}", f"{share:.3f}"))
    return checks


def refused_texts(pages: Sequence[PageEmbedded]) -> dict[str, str]:
    """Text hash -> the model's words."""
    return {one.text_hash: one.reason for page in pages for one in page.rejected}
