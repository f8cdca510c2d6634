"""One page of the catalog as documents: read in the same way by DiffPage and VerifyPage."""

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from workflow.contract.columns import KEY
from workflow.contract.documents import Renderer
from workflow.contract.errors import CatalogMoved, DuplicateKey, KeyBlank, KeyOrderMismatch
from workflow.contract.events.payloads import PageRange, Plan
from workflow.contract.ports.catalog import Catalog, UnreadableRow
from workflow.contract.ports.documents import Document


class PageRows(NamedTuple):
    """The documents of the rows that can be carried, and the rejected rows.

    `keys` are those of all rows, in the server's order.
    """

    keys: list[str]
    documents: list[Document]
    unreadable: list[UnreadableRow]


def most_rows(page: PageRange, plan: Plan) -> int:
    """A page cannot have more rows unless the catalog grew by a page since the plan."""
    return page.rows + max(page.rows, plan.run.input.page_size)


def read_page(catalog: Catalog, page: PageRange, renderer: Renderer, *, most: int) -> PageRows:
    """Raises CatalogMoved if the range has more than `most` rows.

    Keys that MySQL takes for equal give more rows, too; they raise their own errors.
    """
    with catalog.connect() as reader:
        read = reader.read_range(page.after, page.through, most + 1)
    if len(read.keys) > most:
        check_keys(read.keys, page)
        raise CatalogMoved(
            f"the page has more than {most:,} rows and had {page.rows:,} when the run was planned; "
            "start a new run once the catalog's load has ended"
        )
    return PageRows(read.keys, [renderer.document(row) for row in read.rows], read.unreadable)


def check_keys(keys: Sequence[str], page: PageRange) -> None:
    """Keys must rise strictly as UTF-8 bytes and lie within the page.

    SQL collations pad and fold, Redis does not. If they disagree, a page would remove its
    neighbour's drugs.
    """
    blank = next((key for key in keys if not key.strip()), None)
    if blank is not None:
        raise KeyBlank(f"a row's {KEY} is {blank!r}; give it a key or leave it out of the view")
    bounds = ([page.after] if page.after is not None else []) + list(keys)
    for before, key in pairwise(bounds):
        if key == before:
            raise DuplicateKey(f"two rows have the {KEY} {key!r}; make the view return one of them")
        if key.encode() < before.encode():
            raise _order_mismatch(before, key)
    if keys and page.through is not None and keys[-1].encode() > page.through.encode():
        raise _order_mismatch(keys[-1], page.through)


def _order_mismatch(first: str, second: str) -> KeyOrderMismatch:
    return KeyOrderMismatch(
        f"SQL puts {KEY} {first!r} before {second!r}, but their bytes sort the other way; give the "
        "key column a binary collation such as utf8mb4_bin, and no padding or folding"
    )
