"""State VerifyPage."""

from handlers.clock import now
from handlers.entry import handles
from handlers.wiring import wiring
from workflow.contract.events.files import VerifiedPage
from workflow.contract.events.payloads import VerifyPageTask
from workflow.steps.verify_page import verify_page


@handles(VerifyPageTask)
def handler(task: VerifyPageTask) -> VerifiedPage:
    w = wiring()
    return verify_page(
        task,
        catalog=w.catalog_to_verify,
        documents=w.index.documents,
        texts=w.index.texts,
        server=w.index.server,
        runs=w.runs,
        settings=w.settings,
        clock=now,
    )
