"""State LoadPage."""

from handlers.clock import now
from handlers.entry import handles
from handlers.wiring import wiring
from workflow.contract.events.files import PageLoaded
from workflow.contract.events.payloads import LoadPageTask
from workflow.steps.load_page import load_page


@handles(LoadPageTask)
def handler(task: LoadPageTask) -> PageLoaded:
    w = wiring()
    return load_page(task, documents=w.index.documents, texts=w.index.texts, runs=w.runs, clock=now)
