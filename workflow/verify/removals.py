"""Which removals are believed: the one rule against a catalog that is loaded again under a run."""

from collections.abc import Collection, Iterable

from workflow.contract.events.payloads import PageRange


def believed(gone: Iterable[str], page: PageRange, *readings: Collection[str]) -> list[str]:
    """The live keys that may be removed, of those that a run did not find.

    `readings` are a page's keys. A key may go only if every reading lacked it and found as many
    rows in the page as the plan did. While a table is emptied and filled, or a view redefined, rows
    disappear for a while; then the page has another number of rows, and its removals wait for the
    next run.
    """
    if any(len(keys) != page.rows for keys in readings):
        return []
    return [key for key in gone if not any(key in keys for keys in readings)]
