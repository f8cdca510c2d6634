"""State PlanPages."""

from handlers.clock import now
from handlers.entry import handles
from handlers.wiring import wiring
from workflow.contract.events.payloads import Plan, RunTask
from workflow.steps.plan_pages import plan_pages


@handles(RunTask)
def handler(task: RunTask) -> Plan:
    w = wiring()
    return plan_pages(
        task,
        catalog=w.catalog,
        generations=w.index.generations,
        server=w.index.server,
        engine=w.index.engine,
        texts=w.index.texts,
        runs=w.runs,
        settings=w.settings,
        clock=now,
    )
