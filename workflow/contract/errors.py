"""Every error of a run that has a name: what the state machine retries or stops on.

SyncError
├── InvalidInput            the input of the execution is wrong
├── SettingsInvalid         a setting is missing or wrong
├── RunInProgress           an older execution of this machine still runs
├── SettingsChanged         the settings changed between the start and this step
├── RunSuperseded           a newer run took the right to write
├── CatalogError            about the MySQL catalog
│   ├── CatalogUnavailable *    no connection, lost connection, deadlock, timeout
│   ├── CatalogAccessDenied *   wrong user, password or grants
│   ├── CatalogMissing          the table or view does not exist
│   ├── CatalogEmpty            the table has no row
│   ├── CatalogQueryFailed      the server refused a statement
│   ├── ColumnMissing           a required column is not there
│   ├── ColumnUnreadable        a column holds what cannot be read as text, flag or key
│   ├── KeyBlank                a row has no key
│   ├── KeyNotIndexed           reading by key range would scan the table
│   ├── DuplicateKey            two rows have one key
│   ├── KeyOrderMismatch        SQL and bytes disagree on the order of keys
│   ├── CatalogMoved *          rows vanish while the run reads them: a load is under way
│   └── CatalogLagging *        the reader endpoint is too far behind
├── EmbedderError           about the embedding model
│   ├── EmbedderThrottled *     the account's quota is used up for the moment
│   ├── EmbedderUnavailable *   no connection, timeout, model or service error
│   ├── ModelFailed *           the model failed on a request, which may be the text's fault
│   ├── EmbedderAccessDenied    the role may not invoke the model
│   ├── InvalidEmbedding *      an answer that is no vector of this space
│   └── RequestRejected         the model refuses every text: the request is wrong
├── IndexError_             about Redis and its indexes
│   ├── IndexUnavailable *      no connection, loading, read-only, timeout
│   ├── IndexAccessDenied *     wrong user, password or ACL
│   ├── IndexFeatureMissing     the server lacks what the settings ask for
│   ├── IndexCommandFailed      the server refused a command
│   ├── MemoryShort             no room for the new generation, or memory ran out
│   ├── GenerationMismatch      the live generation was built with other settings
│   ├── TextMissing             a document's text has no record
│   ├── IndexQueryCut *         the server stopped a query before its end
│   ├── IndexStillBuilding *    the server is still indexing
│   ├── IndexBuildStalled       the server stopped indexing
│   ├── VerificationFailed      the index is not what the catalog says
│   ├── SwitchLost              Redis forgot the switch: a failover took it back
│   ├── NothingLive             there is no live index
│   └── NothingToRollBack       there is no previous generation
├── RunStoreError           about the run's files in S3
│   ├── RunStoreUnavailable *   throttled, server error, no connection
│   ├── RunStoreAccessDenied    the role may not read or write the bucket
│   ├── RunFileMissing          a file of the run is not there
│   ├── RunFileCorrupt          a file of the run cannot be read
│   └── PagesMissing            pages ended without their result
├── ExecutionsUnavailable * Step Functions did not answer
├── PlanStale               the run would not make exactly the changes of its dry run
└── GuardTripped            the plan was stopped before anything was written to the index
    ├── DeleteGuardTripped      too many drugs would vanish
    ├── CatalogDegraded         a column lost its values
    ├── BudgetExceeded          embedding would cost more than allowed
    ├── TooManyRejected         too many rows or texts were refused
    ├── RunTooLong              the run would not end before its timeout
    ├── SwitchTooLarge          more changes than one switch may make
    └── LimitExceeded           the run would exceed a limit of Step Functions

`*` is retried by the state machine. Step Functions matches the bare class name exactly, never a
base class, so `statemachine.asl.json` lists each one; a contract test compares the two.
"""

from collections.abc import Sequence
from typing import ClassVar

from workflow.contract import retries


class SyncError(Exception):
    """A run's named error. `where` is the run and page, added once at the function's edge."""

    retry: ClassVar[retries.Retry | None] = None
    """How the state machine tries again; None: it does not."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message
        self.where = ""

    def __str__(self) -> str:
        return f"{self.where}: {self.message}" if self.where else self.message


def advice(name: str) -> str:
    """What to do about an error, by its name: its description without the first sentence.

    Empty for names that are not ours.
    """
    found = globals().get(name)
    if not isinstance(found, type) or not issubclass(found, SyncError):
        return ""
    _, _, rest = " ".join((found.__doc__ or "").split()).partition(". ")
    return rest


class InvalidInput(SyncError):
    """The execution's input is wrong. Correct the field that the message names and start again."""


class SettingsInvalid(SyncError):
    """A setting is missing or wrong. Correct it where the message says: a variable, or a file."""

    def __init__(self, message: str, problems: Sequence[tuple[str, str]] = ()) -> None:
        super().__init__(message)
        self.problems = problems
        """What is wrong with each setting, by its name: a stage file has its own names."""


class RunInProgress(SyncError):
    """An older execution still runs. Wait for it or stop it, then start again."""


class SettingsChanged(SyncError):
    """The functions' settings differ from those the run started with. Start a new run."""


class RunSuperseded(SyncError):
    """A newer run took the right to write, so this one may not. Start a new run."""


class CatalogError(SyncError):
    """About the MySQL catalog."""


class CatalogUnavailable(CatalogError):
    """MySQL did not answer. Retried; if it lasts, check host, port, security group and load."""

    retry = retries.OUTAGE


class CatalogAccessDenied(CatalogError):
    """MySQL refused the user, or TLS its certificate. Check user, secret, CA and SELECT grant."""

    retry = retries.ACCESS


class CatalogMissing(CatalogError):
    """The catalog's table or view does not exist. Check the setting catalog_table."""


class CatalogEmpty(CatalogError):
    """The catalog has no row. Check the load that fills it; the index was left as it is."""


class CatalogQueryFailed(CatalogError):
    """MySQL refused a statement. The message carries the server's own words."""


class ColumnMissing(CatalogError):
    """The catalog lacks a required column. Add it to the view."""


class ColumnUnreadable(CatalogError):
    """A column cannot be read. Give the view a column of text, as the message says."""


class KeyBlank(CatalogError):
    """A row has a NULL or blank key. Give it a key or leave it out of the view."""


class KeyNotIndexed(CatalogError):
    """Reading by key range scans or sorts the table. Store the key in an indexed column."""


class DuplicateKey(CatalogError):
    """Two rows have one key. Make the view return one row for it."""


class KeyOrderMismatch(CatalogError):
    """The key's collation orders keys otherwise than their bytes. Use a binary collation."""


class CatalogMoved(CatalogError):
    """Rows vanish while the run reads them. Retried; start again once the load has ended."""

    retry = retries.RELOAD


class CatalogLagging(CatalogError):
    """The reader endpoint lags too far behind. Retried; if it lasts, repair replication."""

    retry = retries.RELOAD


class EmbedderError(SyncError):
    """About the embedding model."""


class EmbedderThrottled(EmbedderError):
    """The model's quota is used up for now. Retried; lower tokens_per_minute if it lasts."""

    retry = retries.QUOTA


class EmbedderUnavailable(EmbedderError):
    """The model did not answer or failed. Retried; texts already embedded are kept."""

    retry = retries.OUTAGE


class ModelFailed(EmbedderError):
    """The model failed on a request. Retried; a text that fails every time is rejected."""

    retry = retries.MODEL


class EmbedderAccessDenied(EmbedderError):
    """The role may not invoke the model. Grant bedrock:InvokeModel and enable model access."""


class InvalidEmbedding(EmbedderError):
    """The model's vector is unusable. Retried; check model and dimensions if it lasts."""

    retry = retries.MODEL


class RequestRejected(EmbedderError):
    """The model refuses every text, so the request itself is wrong. Check model and dimensions."""


class IndexError_(SyncError):  # noqa: N801 - IndexError is Python's own
    """About Redis and its indexes."""


class IndexUnavailable(IndexError_):
    """Redis did not answer or cannot write now. Retried; if it lasts, check the server."""

    retry = retries.OUTAGE


class IndexAccessDenied(IndexError_):
    """Redis refused the user, or TLS its certificate. Check secret, CA and ACL."""

    retry = retries.ACCESS


class IndexFeatureMissing(IndexError_):
    """Redis lacks what the settings ask for. Change the setting or the server."""


class IndexCommandFailed(IndexError_):
    """Redis refused a command. The message carries the server's own words."""


class MemoryShort(IndexError_):
    """Redis has no room. Raise maxmemory. A new run drops what this one left half built."""


class GenerationMismatch(IndexError_):
    """The live generation was built with other settings. Start a backfill."""


class TextMissing(IndexError_):
    """A text that a document needs has no record. Start a new run: it embeds the text again."""


class IndexQueryCut(IndexError_):
    """Redis stopped a query before its end. Retried; if it lasts, the server is too small."""

    retry = retries.OUTAGE


class IndexStillBuilding(IndexError_):
    """Redis is still indexing. Retried at a steady interval until it is done."""

    retry = retries.BUILDING


class IndexBuildStalled(IndexError_):
    """Redis stopped indexing. Check its log and load, then redrive the execution."""


class VerificationFailed(IndexError_):
    """A check failed. The message says whether anything was published, and what to do."""


class SwitchLost(IndexError_):
    """Redis forgot the switch, mostly in a failover. Searches answer as before it. Start a run."""


class NothingLive(IndexError_):
    """There is no live index. The first sync builds it."""


class NothingToRollBack(IndexError_):
    """No switch can be undone. A sync that changes something leaves one, and so does a backfill."""


class RunStoreError(SyncError):
    """About the run's files in S3."""


class RunStoreUnavailable(RunStoreError):
    """S3 did not answer. Retried; if it lasts, check the bucket and its endpoint."""

    retry = retries.OUTAGE


class RunStoreAccessDenied(RunStoreError):
    """The role may not use the run bucket. Check the setting run_bucket and the function's role."""


class RunFileMissing(RunStoreError):
    """A file of the run is not in S3. Start a new run."""


class RunFileCorrupt(RunStoreError):
    """A file of the run cannot be read, or is not what the run wrote. Start a new run."""


class PagesMissing(RunStoreError):
    """Pages ended without their result. Redrive the execution, or start a new run."""


class ExecutionsUnavailable(SyncError):
    """Step Functions listed no executions. Retried; if it lasts, look at AWS's health page."""

    retry = retries.OUTAGE


class PlanStale(SyncError):
    """The run would not make exactly the changes that its dry run showed. Start a new dry run."""


class GuardTripped(SyncError):
    """A guard stopped the plan before anything was written to the index."""


class DeleteGuardTripped(GuardTripped):
    """Too many drugs would vanish. Check the catalog; accept "deletes" if it is right."""


class CatalogDegraded(GuardTripped):
    """A column lost its values. Check the catalog; accept "profile" if it is right."""


class BudgetExceeded(GuardTripped):
    """Embedding would cost more than allowed. Raise budget_usd or accept "budget"."""


class TooManyRejected(GuardTripped):
    """Too many rows or texts were refused. See the report; accept "rejects" to leave them out."""


class RunTooLong(GuardTripped):
    """The run would time out. Raise tokens_per_minute, or accept "time" and redrive it."""


class SwitchTooLarge(GuardTripped):
    """A sync would change too much at once. Start a backfill: nothing is embedded again."""


class LimitExceeded(GuardTripped):
    """The run would exceed a limit of Step Functions. Usually: raise page_size (docs/limits.md)."""
