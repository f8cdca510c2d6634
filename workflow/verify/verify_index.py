"""VerifyIndex: the index against the source, before anything goes live."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass

from workflow.contract.documents import Writer, writer_of
from workflow.contract.errors import IndexStillBuilding, TooManyRejected, VerificationFailed
from workflow.contract.events.files import Check, PageDiff, PageLoaded, Verification
from workflow.contract.events.payloads import PageRange, Plan, ReviewedTask, VerifiedIndex
from workflow.contract.ports.catalog import Catalog
from workflow.contract.ports.generations import LiveNames
from workflow.contract.ports.index import Index
from workflow.contract.ports.model import Embedder, Quota, TextRefused
from workflow.contract.ports.run_store import RunStore
from workflow.contract.ports.server import IndexFacts
from workflow.contract.ports.texts import TextRecord
from workflow.contract.runs import DIFF_SUMMARY, LOAD_SUMMARY, PAGES, VERIFICATION, RunFiles
from workflow.contract.settings import Settings
from workflow.contract.vectors import cosine, to_floats
from workflow.embedding.caller import Caller
from workflow.search.synonyms import read_synonyms
from workflow.verify.audit import (
    DocumentAudit,
    DocumentAuditor,
    ExactSearch,
    TextAudit,
    audit_texts,
    is_damaged,
    keys_of_texts,
    sample,
)
from workflow.verify.golden import read_golden_queries, that_count, unanswered

BAD_KEYS_SHOWN = 100
NEAREST = 10
SAME = 1e-4
"""Two cosine distances closer than this are equal: float32 rounds, engines differ."""

REJECTED = "rejected rows"
MODEL, SELF_RECALL, RECALL = "model agrees today", "self-recall@1", "recall@10"
GOLDEN = "golden queries"
NO_DAMAGE = {MODEL, SELF_RECALL, RECALL, GOLDEN}
"""Checks of searches and model: where only they fail, every document and record is right."""


@dataclass(frozen=True, slots=True)
class Sampled:
    """Text records that searches and the model are tried with."""

    hashes: list[str]
    records: list[TextRecord]


def verify_index(
    task: ReviewedTask,
    *,
    catalog: Catalog,
    embedder: Embedder,
    quota: Quota,
    index: Index,
    runs: RunStore,
    settings: Settings,
) -> VerifiedIndex:
    """Check everything, write `verification.json`, and only then raise.

    What differs goes into the repair set, which the next sync mends. Raises IndexStillBuilding,
    VerificationFailed, TooManyRejected.
    """
    plan = task.plan
    files = RunFiles(runs, plan.run.run_id)
    names = LiveNames(plan.generation, plan.space)
    drugs, texts = _built(index, names)
    writer = writer_of(settings, plan.space)
    documents = _audit_documents(files, DocumentAuditor(plan, catalog, index, writer))
    sampled = _sample(index, plan, documents, settings)
    exact = _exact_search(sampled, settings)
    records = audit_texts(index, plan.space, documents.texts, settings.embedding_dimensions, exact)
    checks = [
        *_index_checks(plan, drugs, texts, len(documents.texts)),
        *_alias_checks(plan, index, names),
        *_document_checks(plan, documents, drugs, index.count(plan.generation)),
        _drift(plan, catalog, index, writer, settings),
        _text_check(documents, records),
        _rejected_check(plan, documents, settings),
    ]
    if drugs and texts and sampled.hashes:
        with closing(Caller(embedder, quota, settings.embedding_dimensions)) as caller:
            checks.append(_model_check(caller, sampled, records, settings))
        checks.extend(_recall_checks(index, plan.space, sampled, exact, settings))
        checks.extend(_golden_checks(runs, settings, names, embedder, index))
    bad_keys = _bad_keys(index, plan, documents, records)
    verification = Verification(checks=tuple(checks), bad_keys=tuple(bad_keys[:BAD_KEYS_SHOWN]))
    files.write(VERIFICATION, verification)
    if not verification.passed:
        _stop(index, plan, verification, bad_keys, records, len(documents.texts))
    return VerifiedIndex(documents=documents.keys, texts=len(documents.texts), checks=len(checks))


def _built(index: Index, names: LiveNames) -> tuple[IndexFacts | None, IndexFacts | None]:
    drugs = index.facts("drugs", names.generation)
    texts = index.facts("texts", names.space)
    for name, facts in ((f"drugs:{names.generation}", drugs), (f"texts:{names.space}", texts)):
        if facts and facts.building:
            raise IndexStillBuilding(f"index {name} is {facts.percent:.0%} built; asked again soon")
    return drugs, texts


def _audit_documents(files: RunFiles, auditor: DocumentAuditor) -> DocumentAudit:
    pages = files.read_manifest(PAGES, PageRange)
    diffs = files.read_pages(DIFF_SUMMARY, [page.page for page in pages], PageDiff)
    loaded = {one.page: one for one in files.read_pages_there(LOAD_SUMMARY, PageLoaded)}
    for page, diff in zip(pages, diffs, strict=True):
        auditor.page(page, diff, loaded.get(page.page))
    return auditor.found


def _sample(index: Index, plan: Plan, documents: DocumentAudit, settings: Settings) -> Sampled:
    """Sound records only: the others are named by the audit, and Redis refuses such queries."""
    hashes = sample(documents.texts, settings.verify_texts, plan.run.run_id)
    records = index.text_records(plan.space, hashes)
    pairs = [
        (one, record)
        for one, record in zip(hashes, records, strict=True)
        if record and not is_damaged(one, record, settings.embedding_dimensions)
    ]
    return Sampled([one for one, _ in pairs], [record for _, record in pairs])


def _exact_search(sampled: Sampled, settings: Settings) -> ExactSearch:
    """FLAT is exact by construction; only approximate indexes are compared."""
    count = 0 if settings.index_algorithm == "FLAT" else settings.verify_queries
    return ExactSearch([record.vector for record in sampled.records[:count]], NEAREST)


def _index_checks(
    plan: Plan, drugs: IndexFacts | None, texts: IndexFacts | None, named: int
) -> list[Check]:
    before = plan.failures_before
    checks = []
    for kind, facts, failures in (
        ("documents", drugs, before.documents),
        ("texts", texts, before.texts),
    ):
        if facts is None:
            checks.append(_check(f"{kind} index exists", False, "yes", "no"))
        else:
            grown = facts.failures - failures
            checks.append(_check(f"{kind} index refused nothing", grown <= 0, 0, grown))
    if texts:
        indexed = texts.documents
        checks.append(_check("texts indexed", indexed >= named, f"{named} or more", indexed))
    return checks


def _alias_checks(plan: Plan, index: Index, names: LiveNames) -> list[Check]:
    """A new generation gets the aliases when it is published."""
    if not plan.writes_live:
        return []
    right = index.aliases_point_at(names)
    return [_check("aliases", right, plan.generation, plan.generation if right else "another")]


def _document_checks(
    plan: Plan, documents: DocumentAudit, drugs: IndexFacts | None, keys: int
) -> list[Check]:
    checks = [
        _check("keys in range", documents.keys == documents.rows, documents.rows, documents.keys)
    ]
    if drugs:
        checks.append(_check("documents indexed", drugs.documents == keys, keys, drugs.documents))
    if not plan.run.input.partial:
        checks.append(_check("key set", keys == documents.rows, documents.rows, keys))
        checks.append(_check("not empty", documents.rows > 0, "1 or more", documents.rows))
    pages = len(documents.bad_pages)
    found = "all equal"
    if pages:
        shown = ", ".join(documents.bad_keys[:3]) or "none by name"
        found = f"{len(documents.bad_keys)} differ on {pages} pages: {shown}"
    checks.append(_check("documents equal the catalog", not pages, "all equal", found))
    return checks


def _drift(plan: Plan, catalog: Catalog, index: Index, writer: Writer, settings: Settings) -> Check:
    """Documents against rows read again now. The pages' sums hold, so a difference is drift."""
    keys = index.sample_keys(plan.generation, settings.verify_documents)
    with catalog.connect() as reader:
        documents = [writer.document(row) for row in reader.read_keys(keys).rows]
    now = {document.ndc: document.content_hash for document in documents}
    stored = dict(zip(keys, index.content_hashes(plan.generation, keys), strict=True))
    equal = sum(now.get(key) == stored[key] for key in keys)
    return _check(
        "documents read again",
        True,
        f"{len(keys)} equal, or changed since",
        f"{equal} equal, {len(keys) - equal} changed since",
    )


def _text_check(documents: DocumentAudit, records: TextAudit) -> Check:
    named = len(documents.texts)
    found = f"{named - len(records.bad)} of {named}"
    if records.bad:
        found += f" ({len(records.missing)} missing, {len(records.damaged)} damaged)"
    return _check("texts have their vectors", not records.bad, f"{named} of {named}", found)


def _rejected_check(plan: Plan, documents: DocumentAudit, settings: Settings) -> Check:
    limit = max(settings.reject_guard_rows, int(settings.reject_guard_share * documents.rows))
    passed = documents.rejected <= limit or "rejects" in plan.run.input.accept
    return _check(REJECTED, passed, f"at most {limit}", documents.rejected)


def _model_check(caller: Caller, sampled: Sampled, records: TextAudit, settings: Settings) -> Check:
    """The model of today gives the vectors that are stored.

    Where it agrees with some only, the others are damaged: the next sync embeds them again.
    """
    least = settings.verify_cosine
    expected = f"{len(sampled.records)} with cosine > {least}"
    size = caller.texts_per_call
    texts = [record.text for record in sampled.records]
    parts = [texts[start : start + size] for start in range(0, len(texts), size)]
    with ThreadPoolExecutor(settings.embedding_threads) as pool:
        try:
            vectors = [vector for part in pool.map(caller.embed, parts) for vector in part]
        except TextRefused as error:
            return _check(MODEL, False, expected, f"refused: {error}")
    agree = [
        cosine(to_floats(record.vector), to_floats(vector.data)) > least
        for record, vector in zip(sampled.records, vectors, strict=True)
    ]
    found = f"{sum(agree)} of {len(agree)}"
    if any(agree):
        pairs = zip(sampled.hashes, agree, strict=True)
        records.damaged.extend(one for one, agrees in pairs if not agrees)
    else:
        found += ' (another model: start {"mode": "backfill", "reembed": true})'
    return _check(MODEL, all(agree), expected, found)


def _recall_checks(
    index: Index, space: str, sampled: Sampled, exact: ExactSearch, settings: Settings
) -> list[Check]:
    own = [
        bool(hits) and hits[0].distance <= SAME
        for hits in (index.nearest_texts(space, one.vector, 1) for one in sampled.records)
    ]
    least = settings.verify_self_recall
    share = sum(own) / len(own)
    checks = [_check(SELF_RECALL, share >= least, f">= {least}", f"{share:.3f}")]
    if exact.queries:
        recall = _recall(index, space, exact)
        least = settings.verify_recall
        checks.append(_check(RECALL, recall >= least, f">= {least}", f"{recall:.3f}"))
    return checks


def _recall(index: Index, space: str, exact: ExactSearch) -> float:
    """The share of the true nearest ten that the index finds; equally near is as good."""
    found = wanted = 0
    for number, query in enumerate(exact.queries):
        limit, count = exact.limit(number)
        hits = index.nearest_texts(space, query, NEAREST)
        found += min(count, sum(hit.distance <= limit + SAME for hit in hits))
        wanted += count
    return found / wanted if wanted else 0.0


def _golden_checks(
    runs: RunStore, settings: Settings, names: LiveNames, embedder: Embedder, index: Index
) -> list[Check]:
    all_queries = read_golden_queries(runs, settings.golden_queries_key)
    queries = that_count(all_queries, names, index)
    if not queries:
        return []
    synonyms = read_synonyms(settings.synonyms_file)
    bad = unanswered(queries, names, embedder=embedder, index=index, synonyms=synonyms)
    found = f"{len(queries) - len(bad)} answered" + "".join(f"; not {query!r}" for query in bad[:3])
    return [_check(GOLDEN, not bad, f"{len(queries)} answered", found)]


def _bad_keys(index: Index, plan: Plan, documents: DocumentAudit, records: TextAudit) -> list[str]:
    keys = list(documents.bad_keys)
    if records.bad:
        keys += keys_of_texts(index, plan.generation, set(records.bad))
    return list(dict.fromkeys(keys))


def _stop(
    index: Index,
    plan: Plan,
    verification: Verification,
    bad_keys: Sequence[str],
    records: TextAudit,
    named: int,
) -> None:
    """Leave behind what the next sync needs to mend the index, then raise."""
    failed = [check for check in verification.checks if not check.passed]
    text = "; ".join(f"{one.check}: expected {one.expected}, found {one.found}" for one in failed)
    if [check.check for check in failed] == [REJECTED]:
        raise TooManyRejected(
            f'{text}; see the report; if they may be left out, start with "accept": ["rejects"]'
        )
    if not records.bad and all(check.check in NO_DAMAGE for check in failed):
        raise VerificationFailed(
            f"{text}; the index equals the catalog, so a sync cannot mend this; nothing was "
            "published; see docs/operations.md, searches that fail"
        )
    if plan.run.input.dry_run:
        raise VerificationFailed(f"{text}; nothing was changed; start a sync, which mends it")
    run_id = plan.run.run_id
    index.rebuild_key_set(plan.generation, run_id)
    index.report_damage(plan.generation, run_id, bad_keys, suspect=plan.writes_live)
    index.delete_texts(plan.space, run_id, records.damaged)
    _rebuild_indexes(index, plan, named - len(records.bad))
    mend = "start a sync, which mends it" if plan.writes_live else "start anew"
    raise VerificationFailed(f"{text}; nothing was published; {mend}")


def _rebuild_indexes(index: Index, plan: Plan, sound_texts: int) -> None:
    """An index that leaves out hashes which exist was made by somebody else: make it anew.

    The key set names exactly the documents by now, so a difference is the index's.
    """
    names = LiveNames(plan.generation, plan.space)
    drugs, texts = index.facts("drugs", names.generation), index.facts("texts", names.space)
    if drugs is None or drugs.documents != index.count(names.generation):
        index.rebuild_index("drugs", names, plan.run.run_id)
    if texts is None or texts.documents < sound_texts:
        index.rebuild_index("texts", names, plan.run.run_id)
    if plan.writes_live:
        index.point_aliases(names, plan.run.run_id)


def _check(name: str, passed: bool, expected: object, found: object) -> Check:
    return Check(check=name, passed=passed, expected=str(expected), found=str(found))
