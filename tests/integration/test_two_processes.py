"""Two processes share a run's pages, and nobody can tell from the result."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from pathlib import Path

from local.engine.runner import run
from tests.lab import NO_MODEL_CHECK, Lab, Payload
from workflow.contract.events.report import RunReport


def with_two(
    lab: Lab, intercept: Callable[[str, Payload, Callable[[], Payload]], Payload]
) -> RunReport:
    lab.invocations = []
    return run(
        lab.stack,
        {"mode": "sync", "page_size": 10},
        observe=lab.invocations.append,
        intercept=intercept,
        retry_wait_scale=0,
        settings=lab.settings,
        two_processes=True,
    )


def second() -> int:
    """The second process: the only child of this one that is this program, too."""
    own = Path("/proc/self/cmdline").read_bytes()
    children = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
    (found,) = [one for one in children if Path(f"/proc/{one}/cmdline").read_bytes() == own]
    return int(found)


class Spy:
    """Reads the second process's count of bytes written, so that its work can be seen."""

    def __init__(self) -> None:
        self.wrote: list[int] = []

    def __call__(self, _state: str, _event: Payload, call: Callable[[], Payload]) -> Payload:
        result = call()
        words = Path(f"/proc/{second()}/io").read_text()
        self.wrote.append(int(words.partition("wchar: ")[2].split()[0]))
        return result


def test_the_second_process_takes_pages_and_the_index_is_the_catalog(lab: Lab) -> None:
    lab.settings |= NO_MODEL_CHECK | {"embed_page_size": "5"}
    spy = Spy()
    report = with_two(lab, spy)
    assert (report.status, report.error) == ("SUCCEEDED", None)
    assert spy.wrote[-1] > 10_000, "documents, texts and files"
    lab.assert_in_step()
    assert lab.embedded() == report.texts_embedded == 20
    lines = (lab.stack.root / "runs" / report.run_id / "log.jsonl").read_text().splitlines()
    done = [line for line in lines if '"step done"' in line and '"DiffPage"' in line]
    assert len(done) == 4


def test_a_second_process_that_is_killed_costs_one_try_of_its_page(lab: Lab) -> None:
    lab.control_model(latency_ms=5000)  # of each of a page's five texts
    lab.settings["embed_page_size"] = "5"
    lab.settings["embedding_threads"] = "1"
    killed = threading.Event()

    def kill(process: int) -> None:
        os.kill(process, signal.SIGKILL)
        lab.control_model(latency_ms=0)

    def kill_in_embed_page(state: str, _event: Payload, call: Callable[[], Payload]) -> Payload:
        if state == "EmbedPage" and not killed.is_set():
            killed.set()
            threading.Timer(0.5, kill, (second(),)).start()
        return call()

    report = with_two(lab, kill_in_embed_page)
    assert (report.status, report.error) == ("SUCCEEDED", None)
    assert [one.error for one in lab.invocations if one.error] == ["Runtime.ExitError"]
    lab.assert_in_step()
