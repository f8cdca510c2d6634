"""State PublishIndex."""

from handlers.clock import now
from handlers.entry import handles
from handlers.wiring import wiring
from workflow.contract.events.payloads import PublishedIndex, ReviewedTask
from workflow.steps.publish_index import publish_index


@handles(ReviewedTask)
def handler(task: ReviewedTask) -> PublishedIndex:
    w = wiring()
    return publish_index(
        task,
        catalog=w.catalog,
        generations=w.index.generations,
        documents=w.index.documents,
        server=w.index.server,
        search=w.index.search,
        runs=w.runs,
        settings=w.settings,
        clock=now,
    )
