"""EmbedPage: give every text of one page its record."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from queue import Empty, SimpleQueue
from typing import NamedTuple

from workflow.contract.documents import vector_hash
from workflow.contract.errors import RequestRejected
from workflow.contract.events.files import PageEmbedded, RejectedText
from workflow.contract.events.payloads import EmbedPageTask
from workflow.contract.ports.clock import Clock
from workflow.contract.ports.index import Index
from workflow.contract.ports.model import Embedder, Quota, TextRefused, Vector
from workflow.contract.ports.run_store import RunStore
from workflow.contract.ports.texts import Text
from workflow.contract.runs import EMBED_REJECTED, EMBED_SUMMARY, EMBED_TEXTS, RunFiles
from workflow.contract.settings import Settings
from workflow.embedding.caller import PROBE_TEXT, Caller

Embedded = tuple[Text, Vector]


class Answer(NamedTuple):
    """What one call gave. A caller that was stopped gives neither."""

    embedded: list[Embedded]
    rejected: list[RejectedText]


def embed_page(
    task: EmbedPageTask,
    *,
    embedder: Embedder,
    quota: Quota,
    index: Index,
    runs: RunStore,
    settings: Settings,
    clock: Clock,
) -> PageEmbedded:
    """Embed the texts that have no record yet, and write each record at once.

    A retry embeds only what is still missing. Raises RequestRejected, InvalidEmbedding.
    """
    started_at = clock()
    space, run_id, page = task.plan.space, task.run.run_id, task.page.page
    files = RunFiles(runs, run_id)
    texts = [Text(**line) for line in files.read_lines(EMBED_TEXTS.format(page))]
    origins = index.text_origins(space, [text.hash for text in texts])
    missing = [text for text, origin in zip(texts, origins, strict=True) if origin is None]

    def write(embedded: Sequence[Embedded]) -> None:
        records = [(text, vector, vector_hash(text.hash, vector.data)) for text, vector in embedded]
        index.write_texts(space, run_id, records)

    with closing(Caller(embedder, quota, settings.embedding_dimensions)) as caller:
        size = caller.texts_per_call
        parts = [missing[start : start + size] for start in range(0, len(missing), size)]
        rejected = _embed_all(caller, parts, settings.embedding_threads, write)
        if rejected and len(rejected) == len(texts):
            _probe_request(caller, rejected)
    _write_rejected(files, page, rejected)
    summary = _summary(index, task, texts, len(rejected))
    summary = summary.model_copy(update={"timing": task.timing(started_at, clock())})
    files.write(EMBED_SUMMARY.format(page), summary)
    return summary


def embed_or_reject(caller: Caller, texts: Sequence[Text]) -> Answer:
    """Embed in one call; where the model refuses several texts, ask for each one alone."""
    try:
        vectors = caller.embed([text.text for text in texts])
    except TextRefused as error:
        if len(texts) == 1:
            return Answer([], [RejectedText(text_hash=texts[0].hash, reason=str(error))])
        each = [embed_or_reject(caller, [text]) for text in texts]
        return Answer(
            [pair for one in each for pair in one.embedded],
            [text for one in each for text in one.rejected],
        )
    return Answer(list(zip(texts, vectors, strict=bool(vectors))), [])


def _embed_all(
    caller: Caller,
    parts: Sequence[Sequence[Text]],
    threads: int,
    write: Callable[[Sequence[Embedded]], None],
) -> list[RejectedText]:
    """Call side by side, and write what has come meanwhile, again and again.

    The first error ends the page at once; records written until then stay.
    """
    waiting: SimpleQueue[Sequence[Text]] = SimpleQueue()
    answered: SimpleQueue[Answer | None] = SimpleQueue()
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
            rejected = _write_as_they_come(answered, len(workers), write)
        except BaseException:
            caller.stop.set()
            raise
    for worker in workers:
        worker.result()
    return rejected


def _write_as_they_come(
    answered: SimpleQueue[Answer | None],
    workers: int,
    write: Callable[[Sequence[Embedded]], None],
) -> list[RejectedText]:
    """Until each worker has said by None that it is done."""
    rejected: list[RejectedText] = []
    while workers:
        answers = [answered.get()]
        while not answered.empty():
            answers.append(answered.get())
        workers -= answers.count(None)
        embedded = [pair for one in answers if one for pair in one.embedded]
        rejected += [text for one in answers if one for text in one.rejected]
        if embedded:
            write(embedded)
    return rejected


def _probe_request(caller: Caller, rejected: Sequence[RejectedText]) -> None:
    """Every text was refused. Is it the texts, or would the model refuse any?"""
    try:
        caller.embed([PROBE_TEXT])
    except TextRefused as error:
        raise RequestRejected(
            f"the model refused all {len(rejected)} texts of the page and {PROBE_TEXT!r}, too: "
            f"{error}; check embedding_model and embedding_dimensions"
        ) from error


def _write_rejected(files: RunFiles, page: str, rejected: Sequence[RejectedText]) -> None:
    if rejected:
        files.write_manifest(EMBED_REJECTED.format(page), rejected)


def _summary(
    index: Index, task: EmbedPageTask, texts: Sequence[Text], rejected: int
) -> PageEmbedded:
    """Counts over all tries of this page: a record names the run that paid for it."""
    origins = index.text_origins(task.plan.space, [text.hash for text in texts])
    mine = [origin for origin in origins if origin and origin.run_id == task.run.run_id]
    return PageEmbedded(
        page=task.page.page,
        texts=len(texts),
        embedded=len(mine),
        tokens=sum(origin.tokens for origin in mine),
        rejected=rejected,
    )
