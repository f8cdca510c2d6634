"""All ports of one Redis, composed over one memory as the adapters are over one client."""

from __future__ import annotations

from tests.fakes.documents import FakeDocuments
from tests.fakes.generations import FakeGenerations
from tests.fakes.memory import Memory
from tests.fakes.server import FakeEngine, FakeServer
from tests.fakes.texts import FakeSearch, FakeTexts


class FakeIndex:
    """One attribute for each port; `memory` is what they share."""

    def __init__(self) -> None:
        self.memory = Memory()
        self.documents = FakeDocuments(self.memory)
        self.texts = FakeTexts(self.memory)
        self.generations = FakeGenerations(self.memory)
        self.server = FakeServer(self.memory)
        self.engine = FakeEngine()
        self.search = FakeSearch(self.memory)
