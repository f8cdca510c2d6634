"""How often a search asks Redis: what does not depend on an answer is asked with it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import redis
from redis.connection import AbstractConnection

from local.servers.stack import Stack
from tests.searched import NAMES, Hashed, drug, fill, found
from workflow.adapters.redis.queries import RedisSearch
from workflow.contract.ports.search import Filters
from workflow.search.floor import Meaning
from workflow.search.search import search

ANTIHISTAMINE = {"drug_class": "Histamine-1 Receptor Antagonist [EPC]"}
ROWS = (
    drug(1, "Zyrtec", "Zyrtec", "cetirizine", "10 mg/1", "TABLET", "ORAL", **ANTIHISTAMINE),
    drug(2, "Loratadine", "", "loratadine", "10 mg/1", "TABLET", "ORAL", **ANTIHISTAMINE),
    *(
        drug(number, f"Azelastine {number}", f"Brand{number}", "azelastine", f"{number} mg/mL",
             "SPRAY", "NASAL", **ANTIHISTAMINE)
        for number in range(10, 40)
    ),
)  # fmt: skip
ORAL = {"route": ["ORAL"]}


@pytest.fixture(scope="module")
def index(stack: Stack) -> Iterator[RedisSearch]:
    with redis.Redis.from_url(stack.redis.url, protocol=3) as client:
        yield fill(client, ROWS).search
        client.flushall()


@pytest.fixture
def trips(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The bytes of each round trip's commands."""
    sent: list[int] = []
    send = AbstractConnection.send_packed_command

    def counted(self: Any, command: Any, *given: Any, **named: Any) -> None:
        sent.append(len(command))
        send(self, command, *given, **named)

    monkeypatch.setattr(AbstractConnection, "send_packed_command", counted)
    return sent


def asked(index: RedisSearch, query: str, trips: list[int], filters: Filters | None = None) -> int:
    """The round trips of the second search: the first one meets each text's columns."""
    for _ in range(2):
        trips.clear()
        search(query, NAMES, meaning=Meaning(Hashed()), index=index, filters=filters or {})
    return len(trips)


def test_a_name_is_two_round_trips(index: RedisSearch, trips: list[int]) -> None:
    assert asked(index, "cetirizine", trips) == 2


def test_the_words_of_a_use_are_four_with_a_filter_or_without(
    index: RedisSearch, trips: list[int]
) -> None:
    """Drugs that may be called so; classes with what is near; their columns; the drugs."""
    assert asked(index, "hay fever", trips) <= 4
    assert asked(index, "hay fever", trips, ORAL) <= 4


def test_texts_of_another_route_or_form_are_left_out_unasked(
    index: RedisSearch, monkeypatch: pytest.MonkeyPatch
) -> None:
    hashes: list[str] = []
    drugs = index.drugs_of_texts

    def noted(generation: str, wanted: list[str], limit: int, filters: Filters) -> Any:
        hashes.extend(wanted)
        return drugs(generation, wanted, limit, filters)

    monkeypatch.setattr(index, "drugs_of_texts", noted)
    answer = search("hay fever", NAMES, meaning=None, index=index, filters={"route": ["oral"]})
    assert found(answer) == {"use": ["Loratadine", "Zyrtec"]}
    assert len(hashes) == 2
