"""Called by Secrets Manager, once for each step of a rotation; not a state of the machine."""

from handlers.entry import handles
from handlers.wiring import wiring
from workflow.operate.rotate import RotationStep, RotationTask, rotate


@handles(RotationTask)
def handler(task: RotationTask) -> RotationStep:
    w = wiring()
    return rotate(
        task,
        own_secret=w.settings.mysql_secret_arn,
        versions=w.secret_versions,
        passwords=w.passwords,
    )
