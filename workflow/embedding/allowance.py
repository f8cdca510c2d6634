"""Tokens of the shared quota, taken a block at a time: one reservation serves several calls."""

from threading import Event as Signal
from threading import Lock
from time import monotonic

from workflow.contract.ports.model import Quota


class Allowance:
    """How much the threads of one function may send, and when."""

    def __init__(self, quota: Quota) -> None:
        self._quota = quota
        self._lock = Lock()
        self._left = 0
        self._from = 0.0

    def wait_for(self, tokens: int, stop: Signal) -> bool:
        """Wait until these tokens may be sent; False if `stop` was set meanwhile."""
        with self._lock:
            if self._left < tokens:
                block = max(tokens - self._left, self._quota.block)
                self._from = self._quota.reserve(block) + monotonic()
                self._left += block
            self._left -= tokens
            wait = self._from - monotonic()
        return not stop.wait(max(0.0, wait))

    def settle(self, tokens: int) -> None:
        """Correct the balance: the model counted this many tokens more (or fewer) than were
        taken."""
        with self._lock:
            self._left -= tokens

    def give_back(self) -> None:
        """Return what is left, or pay what was overdrawn."""
        with self._lock:
            if self._left:
                self._quota.reserve(-self._left)
            self._left = 0
