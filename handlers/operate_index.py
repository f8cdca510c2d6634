"""What operators ask besides runs; not a state of the machine."""

from handlers.entry import handles
from handlers.wiring import wiring
from workflow.operate.operate import OperatorAnswer, OperatorTask, operate


@handles(OperatorTask)
def handler(task: OperatorTask) -> OperatorAnswer:
    return operate(task, wiring().ports)
