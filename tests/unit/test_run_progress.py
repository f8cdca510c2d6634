"""What is shown of a run as it goes on: a repeat that is meant is no retry."""

from __future__ import annotations

import io
from typing import Any

from cli.show.progress import RunProgress
from cli.show.terminal import Out
from local.engine.invocations import Invocation


def shown(*invocations: Invocation) -> str:
    file = io.StringIO()
    progress = RunProgress(Out(file=file))
    with progress:
        for one in invocations:
            progress.see(one)
    return file.getvalue()


def call(state: str, page: str | None = None, attempt: int = 1, **end: Any) -> list[Invocation]:
    return [Invocation(state, page, attempt), Invocation(state, page, attempt, **end)]


def test_pieces_of_one_state_are_pieces() -> None:
    pieces = [
        one
        for number in range(1, 4)
        for one in call("PruneIndex", attempt=number, result={"cursor": number, "removed": 10})
    ]
    text = shown(*pieces)
    assert "retried" not in text
    assert text.splitlines()[-1].split()[:2] == ["PruneIndex", "3/3"]
    assert text.splitlines()[-1].endswith("3 pieces")


def test_one_piece_is_not_counted() -> None:
    assert "piece" not in shown(*call("PruneIndex", result={"cursor": 0}))


def test_what_failed_and_is_called_again_was_retried() -> None:
    text = shown(
        *call("PruneIndex", error="IndexUnavailable", message="gone"),
        *call("PruneIndex", attempt=2, result={"cursor": 1}),
        *call("PruneIndex", attempt=3, result={"cursor": 2}),
    )
    assert text.splitlines()[-1].endswith("2 pieces (1 retried)")


def test_pages_are_retried_apart() -> None:
    text = shown(
        *call("DiffPage", "00000", error="CatalogUnavailable"),
        *call("DiffPage", "00001", result={"rows": 10}),
        *call("DiffPage", "00000", attempt=2, result={"rows": 10}),
    )
    assert "(1 retried)" in text.splitlines()[-1]
