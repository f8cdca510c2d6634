"""How large each function is, and how many run at once. Deployment and estimates read it here.

Lambda gives a function one vCPU with 1,769 MB.
"""

from typing import Final, NamedTuple

from workflow.contract.settings import Settings

MEMORY_MB: Final = {
    "AcceptRun": 256,
    "PlanPages": 1024,
    "DiffPage": 1769,
    "ReviewChanges": 1769,
    "EmbedPage": 1769,
    "LoadPage": 1769,
    "VerifyPage": 1769,
    "VerifyIndex": 1769,
    "PublishIndex": 1024,
    "PruneIndex": 1024,
    "ReportRun": 1024,
    "OperateIndex": 1769,
    "SearchApi": 1769,
    "NotifyFailure": 256,
    "RotatePassword": 256,
}

BESIDE_A_MAP: Final = 3
"""Functions that run beside a Map's: the state before it, the notifier, an operator's request."""


class Widest(NamedTuple):
    """The Map that runs the most functions at once: the setting that says so, and how many."""

    setting: str
    functions: int


def widest_map(settings: Settings) -> Widest:
    names = [name for name in Settings.model_fields if name.endswith("_concurrency")]
    return max((Widest(one, getattr(settings, one)) for one in names), key=lambda one: one[1])
