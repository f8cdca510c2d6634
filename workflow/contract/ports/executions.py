"""Step Functions."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from workflow.contract.events.base import RunStatus


@dataclass(frozen=True, slots=True)
class Execution:
    """One execution of the state machine."""

    name: str
    started_at: datetime


class Executions(Protocol):
    """The state machine's executions."""

    def running(self, state_machine_arn: str) -> list[Execution]: ...


@dataclass(frozen=True, slots=True)
class Ended:
    """An execution that has ended. `input` is its JSON."""

    arn: str
    name: str
    status: RunStatus
    started_at: datetime
    ended_at: datetime | None
    error: str = ""
    cause: str = ""
    input: str = "{}"


class ExecutionHistory(Protocol):
    """The history of an execution in Step Functions."""

    def execution(self, arn: str) -> Ended: ...

    def last_state(self, arn: str) -> str | None:
        """The state that was entered last; None if none was."""
        ...

    def failed_children(self, arn: str, state: str) -> Iterator[Ended]:
        """Children of the state's last Map run that did not succeed, failed ones first."""
        ...


class Announcer(Protocol):
    """Notifies people."""

    def announce(self, subject: str, message: str) -> None: ...
