"""Arbitrary histories of a catalog and its index, and one thing that must hold after each success.

SOAK_EXAMPLES=500 tries as many examples afresh; otherwise a few, always the same. A failing example
is printed as the calls of the rules that lead to it: a script to keep as a test.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from itertools import count
from typing import NamedTuple

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)

from handlers.clock import now
from handlers.wiring import wiring
from local.engine.engine import Engine
from local.engine.invocations import Interceptor, LambdaFailure, call_through
from tests.faults.lab import FaultLab
from tests.faults.tally import TALLY
from tests.lab import Failing, Payload
from tests.rows import Row, fields_of, make_row, make_rows, vector_of
from tests.servers import OWN_FIELDS
from workflow.contract.errors import IndexUnavailable, NothingToRollBack
from workflow.steps.publish_index import roll_back

SOAK = int(os.environ.get("SOAK_EXAMPLES", "0"))
BOUNDED = settings(
    max_examples=SOAK or 20,
    stateful_step_count=14,
    derandomize=not SOAK,
    database=None,
    deadline=None,
    print_blob=False,
    phases=[Phase.generate, Phase.shrink],
    suppress_health_check=list(HealthCheck),
)

ALL_GUARDS = ["deletes", "profile", "budget", "rejects"]
TEMPLATES = {
    "{generic_name} {brand_name} {strength}": ("generic_name", "brand_name", "strength"),
    "{drug_name} {drug_class}": ("drug_name", "drug_class"),
}
NUMBERS = st.integers(0, 9)
VALUES = st.sampled_from([None, "", "same", "Ünïcode 药 {x} | 'y'", "1 mg", "x" * 300])
EDITED = st.sampled_from(["generic_name", "brand_name", "strength", "drug_class", "manufacturer"])
STATES = ["PlanPages", "DiffPage", "EmbedPage", "LoadPage", "VerifyIndex", "PublishIndex"]
RUN_NUMBERS = count(1)
LASTING = IndexUnavailable("away for good")
KILLED = LambdaFailure("Lambda.Unknown", "killed")


class Fault(NamedTuple):
    """One state fails: for good, or once, having done its work."""

    state: str
    lasting: bool
    after: bool

    def interceptor(self) -> Interceptor:
        if self.lasting:
            return Failing(self.state, LASTING, after=self.after)
        return Failing(self.state, KILLED, times=1, after=self.after)


FAULTS = st.one_of(
    st.none(), st.none(), st.builds(Fault, st.sampled_from(STATES), st.booleans(), st.booleans())
)


def text_of(row: Row, columns: tuple[str, ...]) -> str:
    parts = [row[column] or "" for column in columns]
    if not any(part.strip() for part in parts):
        parts = [row["drug_name"] or ""]
    return " ".join(" ".join(parts).lower().split())


class History(RuleBasedStateMachine):
    """Rows come and go, settings change, runs fail; what a run publishes is the catalog."""

    lab: FaultLab
    engine: Engine
    stand: Callable[[Interceptor], None]

    @initialize()
    def begin(self) -> None:
        TALLY.examples += 1
        self.lab.index.redis.flushall()
        self.lab.catalog.clear()
        self.lab.catalog.insert(*make_rows(6))
        self.template, self.algorithm = next(iter(TEMPLATES)), "HNSW"
        self.built_with: dict[str, tuple[str, str]] = {}
        self.tampered = 0
        self._apply()

    def _apply(self) -> None:
        os.environ["DRUGSYNC_EMBEDDING_TEMPLATE"] = self.template
        os.environ["DRUGSYNC_INDEX_ALGORITHM"] = self.algorithm
        wiring.cache_clear()

    @property
    def rows(self) -> dict[str, Row]:
        return self.lab.catalog.rows()

    # The catalog

    @rule(number=NUMBERS, value=VALUES)
    def insert(self, number: int, value: str | None) -> None:
        row = make_row(number, brand_name=value)
        if row["ndc"] not in self.rows:
            self.lab.catalog.insert(row)

    @rule(number=NUMBERS, column=EDITED, value=VALUES)
    def update(self, number: int, column: str, value: str | None) -> None:
        self.lab.catalog.update(make_row(number)["ndc"] or "", **{column: value})

    @rule(number=NUMBERS)
    def delete(self, number: int) -> None:
        self.lab.catalog.delete(make_row(number)["ndc"] or "")

    @rule(number=NUMBERS, key=st.sampled_from(["0", "00000000450", "ZZ", "é", "{*}|'"]))
    def rekey(self, number: int, key: str) -> None:
        if key not in self.rows:
            self.lab.catalog.update(make_row(number)["ndc"] or "", ndc=key)

    # The settings

    @rule()
    def change_template(self) -> None:
        self.template = next(one for one in TEMPLATES if one != self.template)
        self._apply()

    @rule()
    def change_algorithm(self) -> None:
        self.algorithm = "FLAT" if self.algorithm == "HNSW" else "HNSW"
        self._apply()

    @property
    def given(self) -> tuple[str, str]:
        """What a live generation must have been built with, for a sync to go on with it."""
        return self.template, self.algorithm

    # The index, by hand

    @precondition(lambda self: self.lab.index.redis.exists("drugs:live"))
    @rule(kind=st.sampled_from(["drug", "text"]), edit=st.booleans(), number=NUMBERS)
    def tamper(self, kind: str, edit: bool, number: int) -> None:
        generation, space = self.lab.index.live()
        found = sorted(
            self.lab.index.redis.keys(f"{kind}:{generation if kind == 'drug' else space}:*")
        )
        if not found:
            return
        key = found[number % len(found)]
        if edit:
            self.lab.index.redis.hset(key, "drug_name" if kind == "drug" else "text", "by hand")
        else:
            self.lab.index.redis.delete(key)
        self.tampered += 1

    # The runs

    @rule(fault=FAULTS)
    def sync(self, fault: Fault | None) -> None:
        self._run("sync", fault)

    @rule(fault=FAULTS, reembed=st.booleans())
    def backfill(self, fault: Fault | None, reembed: bool) -> None:
        self._run("backfill", fault, reembed=reembed)

    @rule()
    def roll_back(self) -> None:
        states = self.lab.index.generations()
        try:
            back = roll_back(wiring().index, "rollback", now)
        except NothingToRollBack:
            assert "previous" not in states.values()
        else:
            assert states[back.name] == "previous"
            assert self.lab.index.live()[0] == back.name
            # What was done to it by hand while it was not live shows now.
            self.tampered += 3

    def _run(self, mode: str, fault: Fault | None, **extra: object) -> None:
        run_id = f"run-{next(RUN_NUMBERS)}"
        expected = self._foreseen(mode)
        self.built_with[run_id] = self.given
        self.stand(fault.interceptor() if fault else call_through)
        run_input = {"mode": mode, "page_size": 4, "accept": ALL_GUARDS, **extra}
        TALLY.runs += 1
        outcome = self.engine.wait(self.engine.start(run_input, run_id))
        if outcome.status == "SUCCEEDED":
            assert expected is None, expected
            self._assert_in_step()
            self.tampered = 0
        elif outcome.error == "VerificationFailed":
            assert self.tampered, outcome.cause
            self.tampered -= 1
        elif not (fault and fault.lasting):
            assert outcome.error == expected, outcome.cause

    def _foreseen(self, mode: str) -> str | None:
        """The error of a run that nothing disturbs."""
        if not self.rows:
            return "CatalogEmpty"
        live = self.lab.index.redis.hget("drugs:live", "generation")
        if mode == "sync" and live and self.built_with[live.decode()] != self.given:
            return "GenerationMismatch"
        return None

    def _assert_in_step(self) -> None:
        try:
            self._compare(self.rows)
        except AssertionError:
            TALLY.lost += 1
            raise

    def _compare(self, rows: dict[str, Row]) -> None:
        index, columns = self.lab.index, TEMPLATES[self.template]
        TALLY.rows += len(rows)
        documents, texts = index.documents(), index.texts()
        assert {
            key: {name: value for name, value in document.items() if name not in OWN_FIELDS}
            for key, document in documents.items()
        } == {key: fields_of(row) for key, row in rows.items()}
        assert index.key_set() == sorted(rows, key=str.encode)
        for key, row in rows.items():
            text = text_of(row, columns)
            text_hash = hashlib.blake2b(text.encode(), digest_size=16).hexdigest()
            assert documents[key]["text_hash"] == text_hash
            assert texts[text_hash][b"text"].decode() == text
            assert texts[text_hash][b"embedding"] == vector_of(text)
        states = sorted(index.generations().values())
        assert states in (["live"], ["live", "previous"])
        kept = {f"drug:{name}" for name in index.generations()}
        found = {key.decode().rsplit(":", 1)[0] for key in index.redis.keys("drug:*")}
        assert found <= kept


@pytest.mark.fault("(all)", "arbitrary histories", "(all)", "in step after each success")
@pytest.mark.timeout(0 if SOAK else 300)
def test_after_each_successful_run_the_index_is_the_catalog(lab: FaultLab) -> None:
    standing: list[Interceptor] = [call_through]

    def intercept(state: str, event: Payload, call: Callable[[], Payload]) -> Payload:
        return standing[0](state, event, call)

    def stand(interceptor: Interceptor) -> None:
        standing[0] = interceptor

    lab.settings["verify_texts"] = "3"
    with lab.machine(intercept) as engine:
        History.lab, History.engine, History.stand = lab, engine, staticmethod(stand)
        run_state_machine_as_test(History, settings=BOUNDED)
