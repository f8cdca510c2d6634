"""Watching a run."""

import time

from cli.documents import RunView
from cli.show.show_ops import map_line, show_view
from cli.show.terminal import Out, markup
from cli.sites.site import Site

POLL_S = 2.0
PLAIN_EVERY_S = 30.0
"""How often a watched run reports its progress if there is no live display."""


def watch_run(site: Site, run_id: str | None, out: Out) -> RunView:
    """Show a run until it ends. Ctrl-C ends the watching, not the run."""
    view = site.view(run_id)
    try:
        with out.status("") as spinner:
            said = 0.0
            while view.running:
                spinner.update(markup("{}", _line(view)))
                if not out.is_terminal and time.monotonic() - said > PLAIN_EVERY_S:
                    said = time.monotonic()
                    out.say("{}", _line(view))
                time.sleep(POLL_S)
                view = site.view(view.run_id)
    except KeyboardInterrupt:
        out.say(
            "{0} is still running; follow it with: drugsync status {0}{1}",
            view.run_id,
            site.options,
        )
        raise
    show_view(out, view)
    return view


def _line(view: RunView) -> str:
    maps = [map_line(one) for one in view.maps if not one.ended]
    return f"{view.run_id}  {'; '.join(maps) or view.state}"
