"""`python -m benchmarks.seal_cost`: what the seals of a run's files cost (contract/seals.py).

Everything is in memory, so that it is the processor's time alone: files with the run's key and
without one, side by side. The page's work beside it is DiffPage's, LoadPage's and VerifyPage's over
fakes: MySQL and Redis would only make the share smaller.
"""

import time
from collections.abc import Callable, Sequence
from statistics import median
from typing import Any, NamedTuple

import orjson

from tests.fakes import FakeCatalog, FakeIndex, FakeRunStore, clock
from tests.payloads import HOLDER, RUN, diff_task, plan, sealed, settings, whole_page
from tests.rows import make_rows, vector_of
from workflow.contract import seals
from workflow.contract.documents import record_of, renderer_of
from workflow.contract.events.files import PageDiff
from workflow.contract.events.payloads import ChangesPage, LoadPageTask, PageRange, VerifyPageTask
from workflow.contract.ports.texts import NewRecord
from workflow.contract.runs import (
    DIFF_CHANGES,
    DIFF_SUMMARY,
    HEAD,
    LOAD_MANIFEST,
    PAGES,
    RunFiles,
    page_name,
)
from workflow.steps.diff_page import diff_page
from workflow.steps.load_page import load_page
from workflow.steps.verify_page import verify_page

ROWS, MANY, ROUNDS = 500, 10_000, 15
PAGE = "00000"
CHANGES, SUMMARY = DIFF_CHANGES.format(PAGE), DIFF_SUMMARY.format(PAGE)
READS, SUMMARIES, MANIFESTS = 3, 4, 3
"""What a run reads of a page's changes (LoadPage, VerifyPage, PublishIndex), its small files, and
the manifests of a run."""

Work = Callable[[], object]


class Pair(NamedTuple):
    """The same work with seals and without, in milliseconds of the processor."""

    sealed: float
    plain: float

    @property
    def cost(self) -> float:
        return self.sealed - self.plain

    def show(self, what: str) -> None:
        print(f"{what}: {self.sealed:.2f} ms; {self.plain:.2f} without seals")


def main() -> None:
    store = FakeRunStore()
    page_of_work(store)
    body = store.objects[f"runs/{RUN}/{CHANGES}"]
    said = orjson.loads(seals.head_line(body))[HEAD]
    checked = best(
        lambda: seals.check_lines(HOLDER.key, CHANGES, body, said["bytes"], said["lines"])
    )
    files = RunFiles.of(store, HOLDER)
    changes, summary = files.read_changes(PAGE), files.read(SUMMARY, PageDiff)
    ranges = [
        PageRange(page=page_name(one), after=f"{one:011}", through=f"{one + 1:011}", rows=ROWS)
        for one in range(MANY)
    ]

    def small(files: RunFiles) -> object:
        files.write(SUMMARY, summary)
        return files.read(SUMMARY, PageDiff)

    def manifest(files: RunFiles) -> object:
        files.write_manifest(PAGES, ranges)
        return files.read_manifest(PAGES, PageRange)

    of_changes = pair(lambda files: (files.write_changes(PAGE, changes), files.read_changes(PAGE)))
    of_summary, of_manifest = pair(small), pair(manifest, rounds=3)
    of_changes.show(f"changes of {ROWS} rows ({said['bytes']:,} bytes), written and read")
    of_summary.show("a page's summary, written and read")
    of_manifest.show(f"a manifest of {MANY:,} pages, written and read")
    print(f"of a read of changes, unpacking it to nowhere first: {checked:.2f} ms")
    work = _settled([page_of_work(FakeRunStore()) for _ in range(ROUNDS)])
    own = READS * (of_changes.cost + checked) + SUMMARIES * of_summary.cost
    print(f"a page: {own:.2f} ms for seals and the first unpacking, {own / work:.1%} of {work:.1f}")
    whole = (MANY * own + MANIFESTS * of_manifest.cost) / 1000
    print(f"{MANY:,} pages: {whole:.1f} s of {MANY * work / 1000:,.0f} s, over all functions")


def page_of_work(runs: FakeRunStore) -> float:
    """Milliseconds of DiffPage, LoadPage and VerifyPage; the page is wholly new."""
    index, rows = FakeIndex(), make_rows(ROWS)
    index.generations.take_fence(HOLDER)
    given, renderer = settings(verify_queries=0), renderer_of(settings(), plan().space)
    texts = {
        one.hash: one for one in (renderer.text(renderer.document(row).fields) for row in rows)
    }
    index.texts.write(
        plan().space,
        HOLDER,
        [NewRecord(one.hash, record_of(one, vector_of(one.text)), 1) for one in texts.values()],
    )
    task, catalog = diff_task(whole_page(ROWS)), FakeCatalog(rows)

    def steps() -> None:
        ports: dict[str, Any] = {
            "documents": index.documents,
            "texts": index.texts,
            "runs": runs,
            "clock": clock,
        }
        of_rows = {**ports, "settings": given, "catalog": catalog}
        diff = diff_page(task, **of_rows)
        item = ChangesPage(page=PAGE, upserts=ROWS, removals=0, changes=diff.changes)
        load_page(LoadPageTask(plan=task.plan, page=sealed(LOAD_MANIFEST, item)), **ports)
        again = VerifyPageTask(plan=task.plan, page=task.page)
        verify_page(again, server=index.server, **of_rows)

    return _timed(steps)


def pair(work: Callable[[RunFiles], object], *, rounds: int = ROUNDS) -> Pair:
    keyed, plain = RunFiles.of(FakeRunStore(), HOLDER), RunFiles(FakeRunStore(), RUN)
    times = [(_timed(lambda: work(keyed)), _timed(lambda: work(plain))) for _ in range(rounds)]
    return Pair(*map(_settled, zip(*times, strict=True)))


def best(work: Work) -> float:
    return _settled([_timed(work) for _ in range(ROUNDS)])


def _timed(work: Work) -> float:
    start = time.process_time()
    work()
    return (time.process_time() - start) * 1000


def _settled(times: Sequence[float]) -> float:
    """The median of the quicker half: other work on the machine only slows down."""
    return median(sorted(times)[: max(1, len(times) // 2)])


if __name__ == "__main__":
    main()
