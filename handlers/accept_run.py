"""State AcceptRun."""

from handlers.entry import handles
from handlers.wiring import wiring
from workflow.accept import accept_run
from workflow.events import AcceptRunTask, Run


@handles(AcceptRunTask)
def handler(task: AcceptRunTask) -> Run:
    w = wiring()
    return accept_run(task, executions=w.executions, settings=w.settings)
