"""What Ctrl-C is told, and what it leaves."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from cli.show.terminal import Out
from local.uninterrupted import uninterrupted


@contextmanager
def leaving(out: Out, say_what_stays: Callable[[], str]) -> Iterator[None]:
    """Says what Ctrl-C leaves, and lets it continue."""
    try:
        yield
    except KeyboardInterrupt:
        with uninterrupted():
            out.say("[yellow]stopped[/]: {}", say_what_stays())
        raise


@contextmanager
def stopped(out: Out, run_id: str) -> Iterator[None]:
    """A run or a redrive: its pages are kept."""
    what = (
        f"continue with drugsync redrive {run_id}, which embeds no text again, or start over with "
        "drugsync run"
    )
    with leaving(out, lambda: what):
        yield


def stopping(out: Out, run_id: str) -> Callable[[bool], None]:
    """What Ctrl-C is answered at once, while pages that are at work come to their end."""

    def say(again: bool) -> None:
        if again:
            out.show_cursor()
            out.say("[yellow]stopped now[/]; continue with drugsync redrive {}", run_id)
        else:
            out.say("[yellow]stopping[/] after the pages in flight; Ctrl-C again to stop now")

    return say
