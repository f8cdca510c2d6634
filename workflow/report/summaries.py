"""What the pages of a run left: read once, for the report and for the picture of its time."""

from collections.abc import Sequence
from typing import NamedTuple

from workflow.contract.events.files import PageEmbedded, PageLoaded, VerifiedPage
from workflow.contract.runs import EMBED_SUMMARY, LOAD_SUMMARY, VERIFY_SUMMARY, RunFiles


class Summaries(NamedTuple):
    """The pages that came to their end, in order."""

    embedded: Sequence[PageEmbedded]
    loaded: Sequence[PageLoaded]
    verified: Sequence[VerifiedPage]


def read_summaries(files: RunFiles, verified: Sequence[VerifiedPage] | None = None) -> Summaries:
    """`verified` are those pages if the caller has read them already."""
    return Summaries(
        files.read_pages_there(EMBED_SUMMARY, PageEmbedded),
        files.read_pages_there(LOAD_SUMMARY, PageLoaded),
        files.read_pages_there(VERIFY_SUMMARY, VerifiedPage) if verified is None else verified,
    )
