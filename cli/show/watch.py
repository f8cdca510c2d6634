"""A run as it goes on, and as JSON."""

import time
from typing import Any

from rich.console import Console

from cli.show.show_ops import show_view
from cli.sites.site import RunView, Site

POLL_S = 2.0
PLAIN_EVERY_S = 30.0
"""How often a run that is watched says how far it is, where nobody sees it change."""


def watch_run(site: Site, run_id: str | None, out: Console) -> RunView:
    """Show a run until it ends. Ctrl-C ends the watching, not the run."""
    view = site.view(run_id)
    try:
        with out.status("") as spinner:
            said = 0.0
            while view.running:
                spinner.update(_line(view))
                if not out.is_terminal and time.monotonic() - said > PLAIN_EVERY_S:
                    said = time.monotonic()
                    out.print(_line(view), highlight=False, soft_wrap=True)
                time.sleep(POLL_S)
                view = site.view(view.run_id)
    except KeyboardInterrupt:
        out.print(
            f"{view.run_id} goes on; see how far: drugsync status {view.run_id}{site.options}"
        )
        raise
    show_view(out, view)
    return view


def _line(view: RunView) -> str:
    maps = [f"{one.state} {one.done}/{one.total}" for one in view.maps if not one.ended]
    return " ".join([view.run_id, *(maps or [view.state])])


def as_document(view: RunView) -> dict[str, Any]:
    found = {name: getattr(view, name) for name in view.__dataclass_fields__}
    found["maps"] = [
        {
            **{name: getattr(one, name) for name in one.__dataclass_fields__},
            "pending": one.pending,
            "rate": one.rate,
            "eta_s": one.eta_s,
        }
        for one in view.maps
    ]
    return found
