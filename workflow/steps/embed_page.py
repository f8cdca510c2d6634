"""EmbedPage: embed one page of texts and write their records."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from queue import Empty, SimpleQueue
from typing import Final, NamedTuple

from workflow.contract.documents import record_fault, record_of
from workflow.contract.errors import (
    EmbedderError,
    InvalidEmbedding,
    ModelFailed,
    RequestRejected,
)
from workflow.contract.events.files import PageEmbedded, RejectedText
from workflow.contract.events.payloads import EmbedPageTask, Plan
from workflow.contract.ports.clock import Clock
from workflow.contract.ports.model import Embedder, Quota, TextRefused, Vector
from workflow.contract.ports.run_store import RunStore
from workflow.contract.ports.texts import NewRecord, Text, TextRecord, Texts
from workflow.contract.runs import EMBED_MANIFEST, EMBED_SUMMARY, EMBED_TEXTS, RunFiles
from workflow.contract.settings import Settings
from workflow.embedding.caller import PROBE_TEXT, Caller

TRIES: Final = 3
"""After this many tries of a page, a text that still fails is rejected and the others continue."""

MOST_FAILED: Final = 20
"""After this many failed texts without a success, the model is the problem and the page ends."""

Embedded = tuple[Text, Vector]


class Embeddings(NamedTuple):
    """Results of model calls. Empty for a call that was stopped."""

    embedded: list[Embedded]
    rejected: list[RejectedText]
    failed: list[tuple[Text, EmbedderError]]


def embed_page(
    task: EmbedPageTask,
    *,
    embedder: Embedder,
    quota: Quota,
    texts: Texts,
    runs: RunStore,
    settings: Settings,
    clock: Clock,
) -> PageEmbedded:
    """Embed the texts that have no sound record yet, and write each record at once.

    A retry embeds only what is still missing. A text that the model refuses has a record without
    a vector. Raises RequestRejected, ModelFailed, InvalidEmbedding, RunSuperseded.
    """
    started_at = clock()
    plan, page = task.plan, task.page.page
    files = RunFiles.of(runs, plan.run.holder)
    files.check_item(EMBED_MANIFEST, task.page)
    wanted = files.read_texts(EMBED_TEXTS.format(page))
    missing = _without_record(texts, plan, wanted, settings)
    alike = _alike(missing)
    asked = [texts_alike[0] for texts_alike in alike.values()]

    def write(embedded: Sequence[Embedded]) -> None:
        records = [
            NewRecord(one.hash, record_of(one, vector.data), vector.tokens if one is text else 0)
            for text, vector in embedded
            for one in alike[text.text]
        ]
        texts.write(plan.space, plan.run.holder, records)

    with closing(Caller(embedder, quota, settings.embedding_dimensions)) as caller:
        size = caller.texts_per_call
        parts = [asked[start : start + size] for start in range(0, len(asked), size)]
        done = _embed_all(caller, parts, settings.embedding_threads, write)
        refused = done.rejected + _given_up(done.failed, task)
        rejected = _with_alike(refused, asked, alike)
        if rejected and len(rejected) == len(missing):
            _probe_request(caller, rejected)
    _write_refused(texts, task, missing, rejected, settings)
    summary = _summary(texts, task, wanted, rejected)
    summary = summary.model_copy(update={"timing": task.timing(started_at, clock())})
    files.write(EMBED_SUMMARY.format(page), summary)
    return summary


def _without_record(
    texts: Texts, plan: Plan, wanted: Sequence[Text], settings: Settings
) -> list[Text]:
    """Texts that have no sound record with a vector yet, or, for a sync, a doubtful one.

    A backfill leaves the live generation's texts as they are.
    """
    again = set(texts.to_embed_again(plan.space))
    beside = plan.new_generation and plan.live_generation is not None
    records = texts.records(plan.space, [text.hash for text in wanted])
    return [
        text
        for text, record in zip(wanted, records, strict=True)
        if not _has_vector(text, record, settings) or (text.hash in again and not beside)
    ]


def _has_vector(text: Text, record: TextRecord | None, settings: Settings) -> bool:
    """Whether a search can find the text by a sound record."""
    return (
        record is not None
        and bool(record.vector)
        and not record_fault(text.hash, record, settings.embedding_dimensions)
    )


def _alike(texts: Sequence[Text]) -> dict[str, list[Text]]:
    """Texts grouped by their words: several records may share them, and one call serves all."""
    alike: dict[str, list[Text]] = {}
    for text in texts:
        alike.setdefault(text.text, []).append(text)
    return alike


def _with_alike(
    rejected: Sequence[RejectedText], asked: Sequence[Text], alike: Mapping[str, Sequence[Text]]
) -> list[RejectedText]:
    """A refusal counts for every record of these words."""
    words = {text.hash: text.text for text in asked}
    return [
        one.model_copy(update={"text_hash": text.hash})
        for one in rejected
        for text in alike[words[one.text_hash]]
    ]


def _given_up(
    failed: Sequence[tuple[Text, EmbedderError]], task: EmbedPageTask
) -> list[RejectedText]:
    """On the last try, return failed texts as rejected; before it, raise the first error."""
    retries = task.tries.retries if task.tries else 0
    if failed and retries + 1 < TRIES:
        raise failed[0][1]
    return [_rejected(text, f"failed {TRIES} times: {error.message}") for text, error in failed]


def _rejected(text: Text, reason: str) -> RejectedText:
    return RejectedText(text_hash=text.hash, text=text.text[:200], reason=reason)


def _write_refused(
    texts: Texts,
    task: EmbedPageTask,
    missing: Sequence[Text],
    rejected: Sequence[RejectedText],
    settings: Settings,
) -> None:
    """A text that should be embedded again, and is refused now, keeps its vector."""
    reasons = {one.text_hash: one.reason for one in rejected}
    refused = [text for text in missing if text.hash in reasons]
    there = texts.records(task.plan.space, [text.hash for text in refused])
    records = [
        NewRecord(text.hash, record_of(text, b"", reasons[text.hash]), 0)
        for text, record in zip(refused, there, strict=True)
        if not _has_vector(text, record, settings)
    ]
    if records:
        texts.write(task.plan.space, task.run.holder, records)


def embed_or_reject(caller: Caller, texts: Sequence[Text]) -> Embeddings:
    """Embed in one call. If that fails for several texts, embed each of them separately."""
    try:
        vectors = caller.embed([text.text for text in texts])
    except TextRefused as error:
        if len(texts) == 1:
            return Embeddings([], [_rejected(texts[0], str(error))], [])
    except (ModelFailed, InvalidEmbedding) as error:
        if len(texts) == 1:
            return Embeddings([], [], [(texts[0], error)])
    else:
        return Embeddings(list(zip(texts, vectors, strict=bool(vectors))), [], [])
    return _together([embed_or_reject(caller, [text]) for text in texts])


def _together(parts: Sequence[Embeddings]) -> Embeddings:
    return Embeddings(
        [one for part in parts for one in part.embedded],
        [one for part in parts for one in part.rejected],
        [one for part in parts for one in part.failed],
    )


def _embed_all(
    caller: Caller,
    parts: Sequence[Sequence[Text]],
    threads: int,
    write: Callable[[Sequence[Embedded]], None],
) -> Embeddings:
    """Call in several threads, and write answers while the next ones come.

    An error that is not about one text ends the page at once. Records written before it stay.
    """
    waiting: SimpleQueue[Sequence[Text]] = SimpleQueue()
    answered: SimpleQueue[Embeddings | None] = SimpleQueue()
    for part in parts:
        waiting.put(part)

    def work() -> None:
        try:
            while not caller.stop.is_set():
                try:
                    part = waiting.get_nowait()
                except Empty:
                    break
                answered.put(embed_or_reject(caller, part))
        except BaseException:
            caller.stop.set()
            raise
        finally:
            answered.put(None)

    with ThreadPoolExecutor(threads) as pool:
        workers = [pool.submit(work) for _ in range(min(threads, len(parts)))]
        try:
            done = _write_as_they_come(answered, len(workers), write)
        except BaseException:
            caller.stop.set()
            raise
    for worker in workers:
        worker.result()
    return done


def _write_as_they_come(
    answered: SimpleQueue[Embeddings | None],
    workers: int,
    write: Callable[[Sequence[Embedded]], None],
) -> Embeddings:
    """Write until each worker has put None, which ends it."""
    done = Embeddings([], [], [])
    while workers:
        answers = [answered.get()]
        while not answered.empty():
            answers.append(answered.get())
        workers -= answers.count(None)
        came = _together([one for one in answers if one])
        if came.embedded:
            write(came.embedded)
        done = _together([done, came])
        if len(done.failed) >= MOST_FAILED and not done.embedded:
            raise done.failed[0][1]
    return done


def _probe_request(caller: Caller, rejected: Sequence[RejectedText]) -> None:
    """Raise RequestRejected if the model also refuses a harmless text: the request is wrong."""
    try:
        caller.embed([PROBE_TEXT])
    except TextRefused as error:
        raise RequestRejected(
            f"the model refused all {len(rejected)} texts of the page and {PROBE_TEXT!r}, too: "
            f"{error}; check embedding_model and embedding_dimensions"
        ) from error


def _summary(
    texts: Texts, task: EmbedPageTask, wanted: Sequence[Text], rejected: Sequence[RejectedText]
) -> PageEmbedded:
    """Counts over all tries of this page: each record names the run that embedded it."""
    origins = texts.origins(task.plan.space, [text.hash for text in wanted])
    own = task.run.holder.identity
    mine = {
        text.hash: origin
        for text, origin in zip(wanted, origins, strict=True)
        if origin and origin.run == own
    }
    return PageEmbedded(
        page=task.page.page,
        texts=len(wanted),
        embedded=len(mine.keys() - {one.text_hash for one in rejected}),
        tokens=sum(origin.tokens for origin in mine.values()),
        rejected=tuple(rejected),
    )
