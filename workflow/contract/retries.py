"""How the state machine retries: each error's policy, and one for AWS's transient errors.

`statemachine.asl.json` repeats them, because Step Functions reads nothing else; a test compares.
"""

from typing import Any, Final, NamedTuple


class Retry(NamedTuple):
    """Waits of `interval_s`, growing by `rate` up to `most_s`, with full jitter where they grow."""

    interval_s: int
    attempts: int
    rate: float = 2.0
    most_s: int = 120

    @property
    def mean_s(self) -> float:
        """How long an outage may last, on average over the jitter, before the last try."""
        waits = [
            min(self.interval_s * self.rate**number, self.most_s if self.rate > 1 else 10**9)
            for number in range(self.attempts)
        ]
        return sum(waits) / (2 if self.rate > 1 else 1)


OUTAGE: Final = Retry(5, 10)
"""A server that restarts or fails over: Redis loads a full HNSW index in 57 to 109 s (measured)."""

ACCESS: Final = Retry(2, 2, rate=1.0)
"""A login that was refused: the password may be from before a rotation, and is read again. What is
wrong for good is said within five seconds."""

QUOTA: Final = Retry(5, 12)
"""A quota of tokens per minute that others use, too."""

MODEL: Final = Retry(5, 4, most_s=60)
"""A request that the model fails on. After `embed_page.TRIES` tries the text is rejected."""

RELOAD: Final = Retry(15, 40, rate=1.0)
"""A catalog that is being loaded: ten minutes."""

BUILDING: Final = Retry(5, 720, rate=1.0)
"""An index that the server still builds: an hour. Without progress it is IndexBuildStalled."""

SLEPT: Final = (
    "ResourceNotReadyException",
    "ENILimitReachedException",
    "ENINotReadyException",
    "EC2ThrottledException",
    "EC2UnexpectedException",
    "EC2AccessDeniedException",
    "SubnetIPAddressLimitReachedException",
)
"""What Lambda says where a function has no network in its VPC yet; the function was not called.

A function that nobody called for weeks is Inactive: the first call fails with
ResourceNotReadyException or a network error.
"""

AWS_TRANSIENT: Final = (
    "Lambda.ServiceException",
    "Lambda.AWSLambdaException",
    "Lambda.SdkClientException",
    "Lambda.TooManyRequestsException",
    "Lambda.ClientExecutionTimeoutException",
    *(f"Lambda.{name}" for name in SLEPT),
    "Lambda.Unknown",
    "Sandbox.Timedout",
    "Runtime.ExitError",
    "States.Timeout",
)
"""Transient errors of Lambda and Step Functions."""


def retriers(policies: dict[str, Retry]) -> list[dict[str, Any]]:
    """A Task's `Retry`: one retrier for each policy, and the one of AWS's errors at the end."""
    grouped: dict[Retry, list[str]] = {}
    for name, policy in policies.items():
        grouped.setdefault(policy, []).append(name)
    own = [_retrier(names, policy) for policy, names in grouped.items()]
    return [*own, _retrier(list(AWS_TRANSIENT), OUTAGE)]


def _retrier(names: list[str], policy: Retry) -> dict[str, Any]:
    found: dict[str, Any] = {
        "ErrorEquals": names,
        "IntervalSeconds": policy.interval_s,
        "MaxAttempts": policy.attempts,
        "BackoffRate": policy.rate,
    }
    if policy.rate > 1:
        found |= {"MaxDelaySeconds": policy.most_s, "JitterStrategy": "FULL"}
    return found
