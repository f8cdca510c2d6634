"""The stand-in's controls: latency, a token quota, faults on demand, and what it counted."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from local.standin.bedrock_models import BedrockError
from local.standin.embedders import Vector

ERRORS = {
    "ThrottlingException": 429,
    "ModelNotReadyException": 429,
    "ServiceQuotaExceededException": 400,
    "ValidationException": 400,
    "ModelTimeoutException": 408,
    "ModelErrorException": 424,
    "InternalServerException": 500,
    "ServiceUnavailableException": 503,
    "AccessDeniedException": 403,
}
BROKEN_VECTORS: dict[str, Callable[[Sequence[Vector]], list[Vector]]] = {
    "wrong_dimensions": lambda vectors: [vector[:-1] for vector in vectors],
    "nan": lambda vectors: [["NaN", *vector[1:]] for vector in vectors],
    "infinity": lambda vectors: [["Infinity", *vector[1:]] for vector in vectors],
    "zero_vector": lambda vectors: [["0.0"] * len(vector) for vector in vectors],
    "too_few_vectors": lambda vectors: list(vectors[:-1]),
}
BROKEN_BODIES: dict[str, Callable[[str], str]] = {
    "truncated_json": lambda body: body[: len(body) // 2],
    "malformed_json": lambda body: body.replace("[", "[,", 1),
}
KINDS = (*ERRORS, *BROKEN_VECTORS, *BROKEN_BODIES, "slow", "disconnect")


@dataclass
class Fault:
    """Applies to the next ``times`` calls (None: all) with ``match`` in one of their texts."""

    kind: str
    times: int | None = 1
    match: str | None = None
    delay_ms: float = 1000

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"unknown fault {self.kind!r}: one of {', '.join(KINDS)}")

    def applies(self, texts: Sequence[str]) -> bool:
        return self.times != 0 and (self.match is None or any(self.match in text for text in texts))

    def raise_error(self) -> None:
        """The Bedrock error of this name, if the kind is one."""
        if self.kind in ERRORS:
            raise BedrockError(self.kind, ERRORS[self.kind], f"{self.kind} asked for by a test.")


@dataclass
class Counters:
    """``calls`` counts every request, ``texts`` and ``tokens`` those that were embedded."""

    calls: int = 0
    texts: int = 0
    tokens: int = 0
    throttled: int = 0
    peak_concurrency: int = 0
    errors: dict[str, int] = field(default_factory=dict)


FIELDS = ("reset", "latency_ms", "tokens_per_minute", "bucket_s", "faults")


class Controls:
    """Settings and counters, shared by all connections."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._active = 0
        self._reset()

    def _reset(self) -> None:
        self._counters = Counters()
        self.latency_ms = 0.0
        self._faults: list[Fault] = []
        self._quota: int | None = None
        self._bucket_s = 60.0
        self._left = 0.0
        self._refilled = time.monotonic()

    def set(self, settings: Mapping[str, Any]) -> None:
        """All or nothing; ValueError names the field that is unknown or wrong.

        ``reset`` goes back to how the stand-in started, before the other fields apply.
        """
        unknown = settings.keys() - FIELDS
        if unknown:
            raise ValueError(
                f"unknown control field {', '.join(sorted(unknown))}: use {', '.join(FIELDS)}"
            )
        faults = _faults(settings.get("faults", []))
        latency_ms = _number("latency_ms", settings.get("latency_ms", 0))
        quota = settings.get("tokens_per_minute")
        if quota is not None:
            _number("tokens_per_minute", quota)
        bucket_s = _number("bucket_s", settings.get("bucket_s", 60))
        with self._lock:
            if settings.get("reset"):
                self._reset()
            if "latency_ms" in settings:
                self.latency_ms = latency_ms
            if "faults" in settings:
                self._faults = faults
            if "tokens_per_minute" in settings:
                self._quota, self._bucket_s = quota, bucket_s
                self._left = self._capacity
                self._refilled = time.monotonic()

    @property
    def _capacity(self) -> float:
        return (self._quota or 0) * self._bucket_s / 60

    def counted(self) -> dict[str, Any]:
        """The counters as one moment had them."""
        with self._lock:
            return asdict(self._counters)

    def begin(self) -> None:
        with self._lock:
            self._active += 1
            counters = self._counters
            counters.calls += 1
            counters.peak_concurrency = max(counters.peak_concurrency, self._active)

    def end(self) -> None:
        with self._lock:
            self._active -= 1

    def take_fault(self, texts: Sequence[str]) -> Fault | None:
        """The first rule that applies to this call; uses one of its times."""
        with self._lock:
            for fault in self._faults:
                if fault.applies(texts):
                    fault.times = None if fault.times is None else fault.times - 1
                    return fault
        return None

    def spend(self, tokens: int) -> None:
        """Take tokens from a bucket that holds `bucket_s` of the quota, or throttle."""
        with self._lock:
            if self._quota is None:
                return
            now = time.monotonic()
            self._left += (now - self._refilled) * self._quota / 60
            self._left = min(self._left, self._capacity)
            self._refilled = now
            if tokens > self._left:
                message = "Too many tokens, please wait before trying again."
                raise BedrockError("ThrottlingException", 429, message)
            self._left -= tokens

    def count_embedded(self, texts: int, tokens: int) -> None:
        with self._lock:
            self._counters.texts += texts
            self._counters.tokens += tokens

    def count_error(self, name: str) -> None:
        with self._lock:
            errors = self._counters.errors
            errors[name] = errors.get(name, 0) + 1
            self._counters.throttled += name == "ThrottlingException"


def _faults(rules: object) -> list[Fault]:
    if not isinstance(rules, list):
        raise ValueError(f"faults is a list of rules, not {rules!r}")
    return [_fault(rule) for rule in rules]


def _fault(rule: object) -> Fault:
    if not isinstance(rule, dict):
        raise ValueError(f"a fault is an object with kind, times, match, delay_ms, not {rule!r}")
    try:
        return Fault(**rule)
    except TypeError as error:
        raise ValueError(f"fault {rule!r}: its fields are kind, times, match, delay_ms") from error


def _number(name: str, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
        raise ValueError(f"{name} must be a number of at least 0, not {value!r}")
    return value
