"""Which removals are believed: the one rule against a catalog that is loaded again under a run."""

from collections.abc import Collection, Iterable

from workflow.contract.events.payloads import PageRange


def believed(gone: Iterable[str], page: PageRange, *readings: Collection[str]) -> list[str]:
    """Of the live keys that a run did not find, those that may go. `readings` are a page's keys.

    A key goes only where each reading lacked it and found as many rows in the page as were there
    when the run was planned. While a table is emptied and filled, or a view redefined, rows are
    away that come back; then the page has another number of rows, and its removals wait for the
    next run.
    """
    if any(len(keys) != page.rows for keys in readings):
        return []
    return [key for key in gone if not any(key in keys for keys in readings)]
