"""One page of a run, as VerifyPage finds it: in a sync, a backfill and a first run.

Test files import its fixtures.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest

from tests.fakes import FakeCatalog, FakeIndex
from tests.payloads import GENERATION, HOLDER, SPACE, plan, settings, whole_page
from tests.rows import DIMENSIONS, Row, make_row, make_rows, ndc, vector_of
from workflow.contract.documents import record_of, renderer_of
from workflow.contract.ports.documents import Change, Document
from workflow.contract.ports.texts import NewRecord
from workflow.contract.read_page import read_page
from workflow.contract.runs import PageChanges
from workflow.verify.pages import PageComparison, PageFindings

RENDERER = renderer_of(settings(), SPACE)
LIVE = "live"
BAD = {"is_active": "perhaps"}
"""What no document can carry."""


def document(row: Row) -> Document:
    return RENDERER.document(row)


def keys(*numbers: int) -> list[str]:
    return [ndc(number) for number in numbers]


class Page:
    """Four rows that DiffPage saw, with what a run made of them; each test changes something."""

    def __init__(self, *, new_generation: bool, live: bool = True) -> None:
        self.index = FakeIndex()
        self.memory = self.index.memory
        self.index.generations.take_fence(HOLDER)
        self.new = new_generation
        self.beside = live
        self.changes = PageChanges([], [], {}, [])
        self.planned = 4
        """Rows of the page when the run was planned."""
        self.rows = make_rows(4)
        """The catalog as VerifyPage reads it."""

    def stores(self, rows: Iterable[Row], generation: str = GENERATION) -> None:
        """Documents of a generation, with their text records."""
        rows = list(rows)
        self.index.documents.write(generation, HOLDER, [document(row) for row in rows])
        self.embeds(rows)

    def stages(self, rows: Iterable[Row]) -> None:
        rows = list(rows)
        self.index.documents.stage(HOLDER, [document(row) for row in rows])
        self.embeds(rows)

    def embeds(self, rows: Iterable[Row], refused: str = "") -> None:
        for row in rows:
            text = RENDERER.text(document(row).fields)
            record = record_of(text, b"" if refused else vector_of(text.text), refused)
            self.index.texts.write(SPACE, HOLDER, [NewRecord(text.hash, record, 1)])

    def upserts(self, rows: Iterable[Row]) -> None:
        self.changes.upserts.extend(Change(document(row), None) for row in rows)

    def keeps(self, rows: Iterable[Row]) -> None:
        self.changes.unchanged.update({str(row["ndc"]): document(row).content_hash for row in rows})

    def compare(self) -> PageFindings:
        live = LIVE if self.beside else None
        planned = plan(new_generation=self.new, live=live)
        page = whole_page(self.planned)
        rows = read_page(FakeCatalog(self.rows), page, RENDERER, most=100)
        comparison = PageComparison(planned, page, self.changes, dimensions=DIMENSIONS)
        return comparison.run(rows, documents=self.index.documents, texts=self.index.texts)


@pytest.fixture
def sync() -> Page:
    """Of four drugs the first is unchanged, the second changes, the third is new, one left."""
    page = Page(new_generation=False)
    page.planned, page.rows = 3, [make_row(0), make_row(1, route="NEW"), make_row(2)]
    page.stores([make_row(0), make_row(1), make_row(3)])
    page.keeps([make_row(0)])
    page.upserts(page.rows[1:])
    page.stages(page.rows[1:])
    page.changes.removals.append(ndc(3))
    return page


@pytest.fixture
def backfill() -> Page:
    """A new generation of four drugs beside the live one of the same."""
    page = Page(new_generation=True)
    page.stores(page.rows)
    page.stores(page.rows, LIVE)
    page.upserts(page.rows)
    return page


@pytest.fixture
def first() -> Page:
    """The first generation of all."""
    page = Page(new_generation=True, live=False)
    page.stores(page.rows)
    page.upserts(page.rows)
    return page


@pytest.fixture(params=["sync", "backfill", "first"])
def page(request: pytest.FixtureRequest) -> Page:
    found: Page = request.getfixturevalue(request.param)
    return found


def written(page: Page, number: int) -> dict[str, str]:
    """The document of a changed row, where the run wrote it."""
    if page.new:
        return page.memory.stored[GENERATION, ndc(number)]
    return page.memory.staged[HOLDER.identity, ndc(number)]


def assert_nothing_but(found: PageFindings, **wrong: Any) -> None:
    for name in ("damaged", "bad_texts", "drifted", "vanishing", "kept", "refused"):
        assert getattr(found, name) == wrong.get(name, type(getattr(found, name))()), name
