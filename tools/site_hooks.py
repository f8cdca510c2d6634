"""The site's search ranks what operators look for before decisions and evidence (mkdocs.yml)."""

from typing import Any

BOOST = {"Guides": 2.0, "Operate": 3.0, "Start": 2.0, "Decisions": 0.3, "Evidence": 0.7}
"""Section of the navigation -> weight of its pages in searches."""

OWN = {"costs.md": 4.0, "alarms.md": 1.5}
"""Pages with a weight of their own."""


def on_page_markdown(markdown: str, *, page: Any, **_: Any) -> str:
    """Called by mkdocs for each page."""
    section = page.ancestors[-1].title if page.ancestors else ""
    boost = OWN.get(page.file.src_uri, BOOST.get(section, 1.0))
    page.meta.setdefault("search", {}).setdefault("boost", boost)
    return markdown
