"""A server of this machine that died under a run: nobody but a person starts it again."""

from pathlib import Path

from cli.show.terminal import Out
from local.engine.invocations import Invocation
from local.servers import stack as stacks

UNAVAILABLE = {"CatalogUnavailable", "IndexUnavailable", "EmbedderUnavailable"}
"""Errors that a run outlasts for minutes, because on AWS a server comes back by itself."""


class DeadServers:
    """Says once of each server that it died, while the run waits for it."""

    def __init__(self, root: Path, out: Out) -> None:
        self._root, self._out = root, out
        self._said: set[str] = set()

    def see(self, invocation: Invocation) -> None:
        """An observer of a run."""
        if invocation.error not in UNAVAILABLE:
            return
        for name, part in stacks.parts(self._root).items():
            if part is None and name not in self._said:
                self._said.add(name)
                self._out.say(
                    "  [yellow]{} has stopped[/]: start it from another terminal with drugsync up, "
                    "and the run continues; Ctrl-C stops the run",
                    name,
                )
