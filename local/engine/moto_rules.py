"""Corrects moto where its state machine differs from Step Functions.

As engine.py, which uses it, this reaches into private parts of moto, pinned exactly.
"""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any
from unittest import mock

from moto.stepfunctions.parser.api import (
    HistoryEventType,
    MapRunFailedEventDetails,
)
from moto.stepfunctions.parser.asl.component.common.error_name.failure_event import (
    FailureEvent,
    FailureEventException,
)
from moto.stepfunctions.parser.asl.component.common.error_name.states_error_name import (
    StatesErrorName,
)
from moto.stepfunctions.parser.asl.component.common.error_name.states_error_name_type import (
    StatesErrorNameType,
)
from moto.stepfunctions.parser.asl.component.common.retry import retrier_decl
from moto.stepfunctions.parser.asl.component.state.exec.state_map.iteration import (
    distributed_iteration_component as distributed,
)
from moto.stepfunctions.parser.asl.eval.event.event_detail import EventDetails

RECURSION_LIMIT = 100_000
"""moto recurses once per item of a Map and worker: at the usual limit a long Map never ends."""


@contextmanager
def deep_recursion() -> Iterator[None]:
    """For Maps of many items."""
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(RECURSION_LIMIT)
    try:
        yield
    finally:
        sys.setrecursionlimit(before)


@contextmanager
def failed_children_fail_their_map() -> Iterator[None]:
    """In moto a failed child becomes null and its Map succeeds; on AWS the Map fails."""
    component = distributed.DistributedIterationComponent
    original = component._map_run

    def map_run(self: Any, env: Any, eval_input: Any) -> None:
        original(self, env, eval_input)
        items = eval_input.map_run_record.item_counter
        failed = items.failed.get() + items.timed_out.get() + items.aborted.get()
        if failed:
            raise FailureEventException(_threshold_exceeded(env, failed))

    with mock.patch.object(component, "_map_run", map_run):
        yield


def _threshold_exceeded(env: Any, failed: int) -> FailureEvent:
    name = StatesErrorNameType.StatesExceedToleratedFailureThreshold
    details = MapRunFailedEventDetails(
        error=name.to_name(), cause=f"{failed} items failed; the limit is 0"
    )
    return FailureEvent(
        env=env,
        error_name=StatesErrorName(name),
        event_type=HistoryEventType.MapRunFailed,
        event_details=EventDetails(mapRunFailedEventDetails=details),
    )


@contextmanager
def retry_waits_scaled(scale: float) -> Iterator[None]:
    """Shortens waits: a test need not wait as long as a server needs to restart."""
    scaled = SimpleNamespace(sleep=lambda seconds: time.sleep(seconds * scale))
    with mock.patch.object(retrier_decl, "time", scaled):
        yield
