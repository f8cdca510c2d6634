"""State AcceptRun."""

import secrets

from handlers.entry import handles
from handlers.wiring import wiring
from workflow.contract.events.payloads import AcceptRunTask, Run
from workflow.steps.accept_run import accept_run

KEY_BYTES = 16


@handles(AcceptRunTask)
def handler(task: AcceptRunTask) -> Run:
    w = wiring()
    key = secrets.token_hex(KEY_BYTES)
    return accept_run(task, executions=w.executions, settings=w.settings, key=key)
