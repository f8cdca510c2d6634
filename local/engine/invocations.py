"""Events of the functions that the local engine calls, and the hook by which tests intercept them.

Separate from the engine, so that commands which run nothing need not import moto.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from workflow.contract.events.base import RunStatus

Payload = dict[str, Any]


class LambdaFailure(Exception):
    """A failure that Lambda itself reports, such as Sandbox.Timedout or Lambda.Unknown."""

    def __init__(self, name: str, message: str) -> None:
        super().__init__(message)
        self.name = name


@dataclass(frozen=True)
class Invocation:
    """One invocation of a function: begun, or ended with a result or an error."""

    state: str
    page: str | None
    attempt: int
    result: Payload | None = None
    error: str | None = None
    message: str = ""
    replayed: bool = False
    """Answered from an earlier try's history: the function was not called."""

    @property
    def begun(self) -> bool:
        return self.result is None and self.error is None


Observer = Callable[[Invocation], None]
Interceptor = Callable[[str, Payload, Callable[[], Payload]], Payload]
"""Called between state machine and handler: may call it, fail instead, or fail afterwards."""


@dataclass(frozen=True)
class Outcome:
    """How an execution ended. `error` and `cause` are the state machine's."""

    status: RunStatus
    error: str | None
    cause: str | None


def call_through(_state: str, _event: Payload, call: Callable[[], Payload]) -> Payload:
    """The interceptor that changes nothing."""
    return call()
