"""VerifyIndex: adds up the pages, checks the whole index, and decides whether it may be
published.
"""

from base64 import b64encode
from collections.abc import Sequence
from contextlib import closing
from functools import partial
from typing import Final

from workflow.contract.events.files import (
    Baseline,
    Check,
    GoldenVectors,
    QueryVector,
    Review,
    Verification,
    VerifiedPage,
)
from workflow.contract.events.payloads import (
    Plan,
    ReviewedTask,
    VerifiedIndex,
)
from workflow.contract.ports.clock import Clock
from workflow.contract.ports.documents import Documents
from workflow.contract.ports.generations import LiveNames
from workflow.contract.ports.model import Embedder, Quota
from workflow.contract.ports.run_store import RunStore
from workflow.contract.ports.search import SearchIndex
from workflow.contract.ports.server import Server
from workflow.contract.ports.texts import Texts
from workflow.contract.runs import (
    BASELINE,
    BUILDING,
    GOLDEN,
    REVIEW,
    VERIFICATION,
    RunFiles,
)
from workflow.contract.settings import Settings
from workflow.embedding.caller import Caller
from workflow.search.floor import floor_of
from workflow.search.synonyms import read_synonyms
from workflow.steps.mend_index import (
    doubt_own_texts,
    mend_index,
    mend_texts_index,
    note_bad_texts,
    settle_drift,
)
from workflow.verify.building import built
from workflow.verify.checks import (
    KEY_SET,
    ModelCheck,
    alias_check,
    document_checks,
    drift_check,
    index_checks,
    model_check,
    recall_checks,
    rejected_check,
    text_checks,
    vanishing_check,
)
from workflow.verify.due import model_due
from workflow.verify.floor import measured_floor
from workflow.verify.golden import (
    GoldenAsker,
    GoldenQuery,
    golden_check,
    golden_not_asked,
    read_golden_queries,
)
from workflow.verify.pages import read_verified
from workflow.verify.samples import embedded_now, sample_texts
from workflow.verify.verdict import stop

BAD_KEYS_SHOWN: Final = 100


def verify_index(
    task: ReviewedTask,
    *,
    embedder: Embedder,
    quota: Quota,
    documents: Documents,
    texts: Texts,
    server: Server,
    search: SearchIndex,
    runs: RunStore,
    settings: Settings,
    clock: Clock,
) -> VerifiedIndex:
    """Check everything, write `verification.json`, and only then raise.

    What differs goes into the repair set, which the next sync repairs. Raises IndexStillBuilding,
    IndexBuildStalled, PagesMissing, CatalogMoved, VerificationFailed, TooManyRejected.
    """
    plan = task.plan
    files = RunFiles.of(runs, plan.run.holder)
    names = LiveNames(plan.generation, plan.space)
    ready = partial(built, progress=BUILDING, server=server, files=files, clock=clock)
    drugs, index_of_texts = ready("drugs", names.generation), ready("texts", names.space)
    pages, nearest = read_verified(files, plan.pages)
    review = files.read(REVIEW, Review)
    queries = read_golden_queries(runs, settings.golden_queries_key)
    due = model_due(plan, review, files.read(BASELINE, Baseline), queries, settings, clock())
    model: ModelCheck | None = None
    asked = None if due.reason else due.asked
    checks = [
        *index_checks(plan, drugs, index_of_texts),
        *document_checks(
            plan,
            pages,
            drugs,
            documents.count(plan.generation),
            _growth(plan, review, pages, documents),
            missing=0 if plan.run.input.dry_run else review.missing,
        ),
        *text_checks(pages),
        drift_check(pages, settings),
        vanishing_check(pages),
        rejected_check(plan, pages, review.rejected, settings),
    ]
    if not plan.new_generation:
        checks.append(alias_check(plan, server.aliases_point_at(names)))
    if drugs and index_of_texts:
        most = max(settings.verify_texts, settings.verify_queries)
        every = sample_texts(plan, most, documents=documents, texts=texts, settings=settings)
        sampled = every.first(settings.verify_texts)
        own = embedded_now(plan, sampled, texts)
        with closing(Caller(embedder, quota, settings.embedding_dimensions)) as caller:
            model = model_check(caller, sampled, own, settings, due.reason)
            if asked and settings.verify_texts:
                floor = measured_floor(caller, search, plan.space, settings.embedding_threads)
                asked = asked.model_copy(update={"floor": floor})
        checks += [model.check] if model else []
        checks += recall_checks(search, plan.space, every, nearest, settings)
        if queries and due.reason:
            checks.append(golden_not_asked(due.reason))
        elif queries:
            synonyms = read_synonyms(settings.synonyms_file)
            floor = floor_of(asked, plan.space)
            asker = GoldenAsker(search, names, synonyms, embedder, floor)
            checks += _golden_checks(files, plan, queries, asker)
    bad_keys = tuple(_bad(pages)[:BAD_KEYS_SHOWN])
    held = index_of_texts.documents if index_of_texts else 0
    verification = Verification(checks=tuple(checks), bad_keys=bad_keys, texts=held, asked=asked)
    files.write(VERIFICATION, verification)
    if not verification.passed:
        keys_fit = KEY_SET not in verification.failed
        _mend(plan, pages, files, model, keys_fit, documents=documents, texts=texts, server=server)
        stop(
            verification,
            doubted=model is not None and bool(model.damaged) and not plan.run.input.dry_run,
            drifted=bool(_drifted(pages)),
            of_what_is_live=plan.run.input.dry_run,
        )
    settle_drift(plan, _drifted(pages), documents)
    return VerifiedIndex(
        documents=sum(page.documents for page in pages),
        texts=held,
        checks=len(checks),
    )


def _growth(plan: Plan, review: Review, pages: Sequence[VerifiedPage], documents: Documents) -> int:
    """By how many keys the key set grows when this run is published.

    In a verification: when it loses the keys that the catalog lacks.
    """
    if not plan.new_generation:
        added = 0 if plan.run.input.dry_run else review.added
        return added - review.removed + sum(len(page.kept) for page in pages)
    if plan.live_generation is None:
        # Left out below, or by an earlier try of this step.
        return -sum(map(bool, documents.read(plan.generation, _drifted(pages))))
    return 0


def _drifted(pages: Sequence[VerifiedPage]) -> list[str]:
    return [key for page in pages for key in page.drifted]


def _golden_checks(
    files: RunFiles, plan: Plan, queries: Sequence[GoldenQuery], asker: GoldenAsker
) -> list[Check]:
    """Ask what exists already. A sync is asked again after its switch, with these vectors."""
    result = golden_check(queries, asker)
    vectors = tuple(
        QueryVector(text=text, vector=b64encode(vector).decode())
        for text, vector in asker.vectors.items()
    )
    files.write(GOLDEN, GoldenVectors(vectors=vectors))
    there = plan.new_generation or plan.run.input.dry_run
    return [result] if there else []


def _bad(pages: Sequence[VerifiedPage]) -> list[str]:
    return list(dict.fromkeys(key for page in pages for key in (*page.damaged, *page.bad_texts)))


def _mend(
    plan: Plan,
    pages: Sequence[VerifiedPage],
    files: RunFiles,
    model: ModelCheck | None,
    keys_fit: bool,
    *,
    documents: Documents,
    texts: Texts,
    server: Server,
) -> None:
    if plan.run.input.dry_run:
        return
    bad_texts = list(dict.fromkeys(key for page in pages for key in page.bad_texts))
    note_bad_texts(plan, bad_texts, documents=documents)
    index = server.index("texts", plan.space)
    if any(page.unindexed for page in pages) or index is None or index.unlike:
        mend_texts_index(plan, server=server)
    mend_index(plan, _bad(pages), documents=documents, server=server, keys_fit=keys_fit)
    if model and model.another:
        doubt_own_texts(plan, files, texts=texts)
    elif model:
        texts.doubt(plan.space, plan.run.holder, model.damaged)
