"""How large each function is. Deployment and estimates read it here.

Lambda gives a function one vCPU with 1,769 MB.
"""

from typing import Final

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
