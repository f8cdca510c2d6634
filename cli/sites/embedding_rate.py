"""How long embedding takes on this machine, from its last runs or from a test of a second."""

import json
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple
from urllib.parse import quote
from urllib.request import Request, urlopen

from cli.documents import RunView
from cli.show.terminal import many
from local.servers.stack import Stack
from workflow.contract.events.report import RunReport
from workflow.report.plot import seconds

EMBED = "EmbedPages"
ENOUGH = 100
"""A run must have embedded this many texts for its time to be meaningful."""

LOOKED_AT = 20
TRIED = 48
ANSWER_S = 10.0
LONG_S = 60.0
"""If it takes longer than this, the user is told before it begins."""


class Rate(NamedTuple):
    """Texts per second, and how that is known."""

    texts_per_s: float
    source: str

    def takes(self, texts: int) -> float:
        """Seconds."""
        return texts / self.texts_per_s


def remembered(history: Iterable[tuple[RunView, RunReport | None]]) -> Rate | None:
    """From the newest run that embedded enough, without interruption."""
    for view, report in history:
        times = [one.seconds for one in view.maps if one.state == EMBED and not one.redriven]
        if report and report.texts_embedded >= ENOUGH and times and times[0] > 0:
            return Rate(report.texts_embedded / times[0], f"measured in run {view.run_id}")
    return None


def tried(stack: Stack) -> Rate | None:
    """From asking the stand-in now; None if it does not answer like Titan."""
    settings = stack.settings()
    model = quote(settings.embedding_model, safe="")
    url = f"{stack.bedrock.endpoint}/model/{model}/invoke"

    def ask(number: int) -> None:
        text = f"substance {number} {number} mg tablet oral drug class {number}"
        body = json.dumps({"inputText": text, "dimensions": settings.embedding_dimensions})
        with urlopen(Request(url, body.encode()), timeout=ANSWER_S):  # noqa: S310 - of this machine
            pass

    try:
        started = time.monotonic()
        with ThreadPoolExecutor(settings.embedding_threads * settings.embed_concurrency) as pool:
            list(pool.map(ask, range(TRIED)))
    except OSError:
        return None
    return Rate(TRIED / (time.monotonic() - started), f"measured with {TRIED} texts")


def said(rate: Rate, texts: int) -> str:
    """The sentence for people, before it begins."""
    took = seconds(rate.takes(texts))
    return (
        f"{many(texts, 'text')} to embed on this machine: about {took}, at "
        f"{rate.texts_per_s:,.0f} a second ({rate.source})"
    )


def rows_of_a_minute(rate: Rate, rows: int, texts: int) -> int:
    """How many rows of such a catalog are embedded in a minute, in round numbers."""
    exact = int(60 * rate.texts_per_s * rows / texts)
    return max(100, exact // 500 * 500)
