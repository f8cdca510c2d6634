"""One page of the catalog as documents: read alike by DiffPage and, again, by VerifyPage."""

from typing import NamedTuple

from workflow.contract.documents import Renderer
from workflow.contract.errors import CatalogMoved
from workflow.contract.events.payloads import PageRange, Plan
from workflow.contract.ports.catalog import Catalog, UnreadableRow
from workflow.contract.ports.documents import Document


class PageRows(NamedTuple):
    """The documents of the rows that can be carried, and the others by name.

    `keys` are those of all rows, in the server's order.
    """

    keys: list[str]
    documents: list[Document]
    unreadable: list[UnreadableRow]


def most_rows(page: PageRange, plan: Plan) -> int:
    """More than these a page cannot have unless the catalog grew by a page since the plan."""
    return page.rows + plan.run.input.page_size


def read_page(catalog: Catalog, page: PageRange, renderer: Renderer, *, most: int) -> PageRows:
    """Raises CatalogMoved where the range has more than `most` rows."""
    with catalog.connect() as reader:
        read = reader.read_range(page.after, page.through, most + 1)
    if len(read.keys) > most:
        raise CatalogMoved(
            f"the page has more than {most:,} rows and had {page.rows:,} when the run was planned; "
            "start a new run once the catalog's load has ended"
        )
    return PageRows(read.keys, [renderer.document(row) for row in read.rows], read.unreadable)
