"""How long embedding takes on this machine: by what its last runs took, or by a try of a second."""

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
"""Texts that a run must have embedded, for its time to say something."""

LOOKED_AT = 20
TRIED = 48
ANSWER_S = 10.0
LONG_S = 60.0
"""Longer than this is said before it begins."""


class Rate(NamedTuple):
    """Texts in a second, and where that is known from."""

    texts_per_s: float
    source: str

    def takes(self, texts: int) -> float:
        """Seconds."""
        return texts / self.texts_per_s


def remembered(history: Iterable[tuple[RunView, RunReport | None]]) -> Rate | None:
    """By the newest run that embedded enough, without a break."""
    for view, report in history:
        times = [one.seconds for one in view.maps if one.state == EMBED and not one.redriven]
        if report and report.texts_embedded >= ENOUGH and times and times[0] > 0:
            return Rate(report.texts_embedded / times[0], f"as run {view.run_id} did")
    return None


def tried(stack: Stack) -> Rate | None:
    """By asking the stand-in now, beside whatever runs; None where it does not answer as Titan."""
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
    return Rate(TRIED / (time.monotonic() - started), f"by a try of {TRIED} texts")


def said(rate: Rate, texts: int) -> str:
    """For people, before it begins."""
    took = seconds(rate.takes(texts))
    return (
        f"{many(texts, 'text')} to embed on this machine: about {took}, at "
        f"{rate.texts_per_s:,.0f} a second ({rate.source})"
    )


def rows_of_a_minute(rate: Rate, rows: int, texts: int) -> int:
    """How many rows of such a catalog are embedded in a minute, in round numbers."""
    exact = int(60 * rate.texts_per_s * rows / texts)
    return max(100, exact // 500 * 500)
