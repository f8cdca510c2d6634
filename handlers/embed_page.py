"""State EmbedPage."""

from handlers.clock import now
from handlers.entry import handles
from handlers.wiring import wiring
from workflow.contract.events.files import PageEmbedded
from workflow.contract.events.payloads import EmbedPageTask
from workflow.steps.embed_page import embed_page


@handles(EmbedPageTask)
def handler(task: EmbedPageTask) -> PageEmbedded:
    w = wiring()
    return embed_page(
        task,
        embedder=w.embedder,
        quota=w.quota,
        texts=w.index.texts,
        runs=w.runs,
        settings=w.settings,
        clock=now,
    )
