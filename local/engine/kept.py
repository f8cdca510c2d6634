"""The runs that this machine keeps."""

import os
import re
from datetime import UTC, datetime
from pathlib import Path

from local.engine.runner import LOG
from local.engine.runs import STARTS, holder
from workflow.contract.runs import REPORT

START = re.compile(r"\d{8}T\d{9}")


def kept_runs(root: Path) -> list[str]:
    """Their names, the newest first: a name begins with the start.

    The run in progress is the newest. One whose start is still to come was dated by a wrong clock,
    and is older than all others.
    """
    now, running = f"{datetime.now(UTC):{STARTS}}", holder(root)

    def age(name: str) -> tuple[bool, bool, str]:
        start = name.partition("-")[0]
        to_come = START.fullmatch(start) is not None and start > now
        return name == running, not to_come, name

    return sorted(_names(root), key=age, reverse=True)


def _names(root: Path) -> list[str]:
    """Runs only; the folder of `doctor` has neither log nor report.

    A run whose files were deleted while it ran may have a report and no log.

    A folder that cannot be read is an OSError, not an empty list.
    """
    if not os.path.lexists(root):
        return []
    with os.scandir(root) as found:
        if "runs" not in {one.name for one in found}:
            return []
    with os.scandir(root / "runs") as found:
        return [one.name for one in found if _has_any(one.path)]


def _has_any(folder: str) -> bool:
    return any(os.path.exists(os.path.join(folder, one)) for one in (LOG, REPORT))
