"""State AcceptRun."""

from handlers.entry import handles
from handlers.wiring import wiring
from workflow.contract.events.payloads import AcceptRunTask, Run
from workflow.steps.accept_run import accept_run


@handles(AcceptRunTask)
def handler(task: AcceptRunTask) -> Run:
    w = wiring()
    return accept_run(task, executions=w.executions, settings=w.settings)
