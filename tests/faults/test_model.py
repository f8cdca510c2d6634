"""Arbitrary histories of a catalog and its index: what is searched is a state that people know.

SOAK_EXAMPLES=500 tries as many examples afresh; otherwise a few, always the same. A failing example
is printed as the calls of the rules that lead to it: a script to keep as a test.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from itertools import count
from types import SimpleNamespace
from typing import NamedTuple

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from handlers.clock import now
from handlers.wiring import wiring
from local.engine.engine import Engine
from local.engine.functions import handler_of
from local.engine.invocations import Interceptor, LambdaFailure, call_through
from tests.faults.lab import FaultLab, chain, redrive
from tests.faults.tally import TALLY
from tests.lab import Failing, Payload, before
from tests.rows import Row, fields_of, make_row, make_rows, text_hash_of, vector_of
from tests.servers import OWN_FIELDS
from workflow.contract.errors import IndexUnavailable, NothingToRollBack, SyncError
from workflow.contract.holder import Holder
from workflow.operate.rollback import roll_back

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

ALL_GUARDS = ["deletes", "profile", "budget", "rejects", "time"]
TEMPLATES = {
    "{generic_name} {brand_name} {strength}": ("generic_name", "brand_name", "strength"),
    "{drug_name} {drug_class}": ("drug_name", "drug_class"),
}
NUMBERS = st.integers(0, 9)
VALUES = st.sampled_from([None, "", "same", "Ünïcode 药 {x} | 'y'", "1 mg", "x" * 300])
EDITED = st.sampled_from(["generic_name", "brand_name", "strength", "drug_class", "manufacturer"])
STATES = [
    *("PlanPages", "DiffPage", "EmbedPage", "LoadPage", "VerifyPage", "VerifyIndex"),
    *("PublishIndex", "PruneIndex", "ReportRun"),
]
BEHIND_THE_SWITCH = ("PruneIndex", "ReportRun")
MOMENTS = ("DiffPage", "ReviewChanges", "LoadPage", "VerifyPage", "VerifyIndex", "PublishIndex")
RELOADS = st.sampled_from(
    [
        (empty, fill)
        for place, empty in enumerate(MOMENTS)
        for fill in (*MOMENTS[place + 1 :], "PruneIndex", "never")
    ]
)
"""Before which state the catalog loses rows, and before which it is filled again, if at all then.

By then the run has ended.
"""

RUN_NUMBERS = count(1)
LASTING = IndexUnavailable("away for good")
KILLED = LambdaFailure("Lambda.Unknown", "killed")


class Fault(NamedTuple):
    """One state fails: for good, or once, having done its work."""

    state: str
    lasting: bool
    after: bool

    @property
    def may_have_switched(self) -> bool:
        return self.state in BEHIND_THE_SWITCH or (self.state == "PublishIndex" and self.after)

    def interceptor(self) -> Failing:
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


Documents = dict[str, dict[str, str]]


class Failed(NamedTuple):
    """A run that failed, and what is needed to redrive it."""

    payload: Payload
    state: str
    rows: dict[str, Row]
    given: tuple[str, str]
    fence: bytes | None
    """Whose it was when the run ended: a run that came after it may not be written over."""


class History(RuleBasedStateMachine):
    """Rows come and go, settings change, runs fail, are redriven and undone.

    After each step, what is searched is a state that the model knows: the one before, the catalog,
    or what a rollback goes back to. A row that changed under a run may be either of its versions.
    """

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
        self.searched: Documents = {}
        self.undo: dict[str, dict[str, str] | None] = {}
        self.previous: tuple[str, Documents] | None = None
        self.failed: Failed | None = None
        self.run_id = ""
        self._apply()

    def _apply(self) -> None:
        os.environ["DRUGSYNC_EMBEDDING_TEMPLATE"] = self.template
        os.environ["DRUGSYNC_INDEX_ALGORITHM"] = self.algorithm
        wiring.cache_clear()

    @property
    def rows(self) -> dict[str, Row]:
        return self.lab.catalog.rows()

    def _live(self, name: str = "generation") -> str:
        """A field of the live names; empty where nothing is live."""
        found = self.lab.index.redis.hget("drugs:live", name)
        return found.decode() if found else ""

    def _documents(self) -> Documents:
        return self.lab.index.documents() if self._live() else {}

    @invariant()
    def what_is_searched_is_what_the_model_knows(self) -> None:
        if hasattr(self, "searched"):
            TALLY.steps += 1
            assert self._documents() == self.searched

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

    @precondition(lambda self: self._live())
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
        self.searched = self._documents()

    # The runs

    @rule(fault=FAULTS)
    def sync(self, fault: Fault | None) -> None:
        self._run("sync", fault)

    @rule(fault=FAULTS, reembed=st.booleans())
    def backfill(self, fault: Fault | None, reembed: bool) -> None:
        self._run("backfill", fault, reembed=reembed)

    @rule(mode=st.sampled_from(["sync", "backfill"]), reload=RELOADS, every=st.integers(1, 3))
    def run_under_a_reload(self, mode: str, reload: tuple[str, str], every: int) -> None:
        """The catalog loses all rows or some, and has the same again at the end of the run."""
        rows = self.rows
        empty, fill = reload
        away = [*rows][::every]
        emptied = before(empty, lambda: self.lab.catalog.delete(*away))
        filled = before(fill, lambda: self._fill(rows))
        live = {*self.searched} & {*rows}
        self._run(mode, None, meanwhile=chain(emptied, filled), catalog=rows)
        assert live <= {*self._documents()}, "a drug is gone that the catalog has"

    def _fill(self, rows: dict[str, Row]) -> None:
        self.lab.catalog.clear()
        self.lab.catalog.insert(*rows.values())

    @rule(fault=FAULTS, mode=st.sampled_from(["sync", "backfill"]))
    def run_under_the_last_name(self, fault: Fault | None, mode: str) -> None:
        """An execution's name is free again after 90 days."""
        self.engine.forget()
        self._run(mode, fault, run_id=self.run_id)

    @precondition(lambda self: self.failed)
    @rule()
    def redrive(self) -> None:
        failed, known = self.failed, [self._catalog(self.rows)]
        assert failed
        newer = self.lab.index.redis.get("drugs:writer") != failed.fence
        self.stand(call_through)
        context = SimpleNamespace(function_name="redriven", aws_request_id="redriven")
        try:
            redrive(
                failed.payload, failed.state, lambda state, one: handler_of(state)(one, context)
            )
        except SyncError:
            self._settle([])
        else:
            # A report is written beside what is searched, also of a run that others followed.
            assert not newer or failed.state == "ReportRun", "an old run wrote over a newer one"
            self._settle([*known, self._catalog(failed.rows)], mixed=True)
        self.failed = None

    @rule(times=st.integers(1, 2), named=st.booleans())
    def roll_back(self, times: int, named: bool) -> None:
        for _ in range(times):
            self._roll_back(self._live("previous") if named else "")

    def _roll_back(self, name: str) -> None:
        index, holder = wiring().index, Holder("rollback", now())
        of_a_sync = not name and self._live("undo")
        try:
            back = roll_back(index.generations, index.server, holder, generation=name).generation
        except NothingToRollBack:
            assert not self._live("undo")
            assert not self._live("previous")
            return
        # What was done to it by hand while it was not live shows now.
        self.tampered += 3
        if of_a_sync:
            undone = {key: self.searched.get(key) for key in self.undo}
            self.searched = {
                **{key: one for key, one in self.searched.items() if key not in self.undo},
                **{key: one for key, one in self.undo.items() if one is not None},
            }
            self.undo = undone
        else:
            assert self.previous
            assert back.name == self.previous[0]
            was, self.searched = self.searched, self.previous[1]
            self.previous = (self._live("previous"), was)
            self.undo = {}

    def _run(
        self,
        mode: str,
        fault: Fault | None,
        *,
        run_id: str = "",
        meanwhile: Interceptor | None = None,
        catalog: dict[str, Row] | None = None,
        **extra: object,
    ) -> None:
        self.run_id = run_id or f"run-{next(RUN_NUMBERS)}"
        expected = self._foreseen(mode)
        failing = fault.interceptor() if fault else None
        self.stand(meanwhile or failing or call_through)
        rows = catalog if catalog is not None else self.rows
        run_input = {"mode": mode, "page_size": 4, "accept": ALL_GUARDS, **extra}
        TALLY.runs += 1
        outcome = self.engine.wait(self.engine.start(run_input, self.run_id))
        if catalog is not None:
            self._fill(catalog)
        if outcome.status == "SUCCEEDED":
            assert expected is None, expected
            self._settle([self._catalog(rows)], mixed=meanwhile is not None)
            if meanwhile is None:
                self._assert_in_step()
                self.tampered = 0
            return
        switched = fault is not None and fault.may_have_switched
        self._settle([self._catalog(rows)] if switched else [])
        if isinstance(failing, Failing) and failing.payloads and fault and fault.lasting:
            fence = self.lab.index.redis.get("drugs:writer")
            self.failed = Failed(failing.payloads[0], fault.state, rows, self.given, fence)
        elif outcome.error == "VerificationFailed":
            assert self.tampered, outcome.cause
            # A backfill leaves what the live generation searches with as it is.
            self.tampered -= mode == "sync"
        elif meanwhile is not None:
            assert outcome.error in ("CatalogEmpty", "CatalogMoved", expected), outcome.cause
        elif not (fault and fault.lasting):
            assert outcome.error == expected, outcome.cause

    def _foreseen(self, mode: str) -> str | None:
        """The error of a run that nothing disturbs."""
        if not self.rows:
            return "CatalogEmpty"
        live = self._live()
        if mode == "sync" and live and self.built_with[live] != self.given:
            return "GenerationMismatch"
        return None

    def _catalog(self, rows: dict[str, Row]) -> Documents:
        """What the catalog says of each drug."""
        return {key: fields_of(row) for key, row in rows.items()}

    def _settle(self, known: list[Documents], *, mixed: bool = False) -> None:
        """Learn what is searched now: as before, or wholly one of the known states.

        With `mixed`, each drug is as before or as in one of them.
        """
        found = self._documents()
        live = self._live()
        if found == self.searched and live in ("", *self.built_with):
            return
        contents = {key: _content(one) for key, one in found.items()}
        if mixed:
            was = {key: _content(one) for key, one in self.searched.items()}
            states = [was, *known]
            for key in {*contents, *(key for one in states for key in one)}:
                assert contents.get(key) in [one.get(key) for one in states], key
        else:
            assert contents in known
        self._note_switch(found, live)

    def _note_switch(self, found: Documents, live: str) -> None:
        if live in self.built_with:
            keys = {*found, *self.searched}
            changed = [key for key in keys if found.get(key) != self.searched.get(key)]
            self.undo = {key: self.searched.get(key) for key in changed}
        else:
            self.built_with[live] = self.given
            self.previous = (self._live("previous"), self.searched) if self.searched else None
            self.undo = {}
        self.searched = found

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
        assert {key: _content(one) for key, one in documents.items()} == self._catalog(rows)
        assert index.key_set() == sorted(rows, key=str.encode)
        for key, row in rows.items():
            text = text_of(row, columns)
            text_hash = text_hash_of(row, text)
            assert documents[key]["text_hash"] == text_hash
            assert texts[text_hash][b"text"].decode() == text
            assert texts[text_hash][b"embedding"] == vector_of(text)
        states = sorted(index.generations().values())
        assert states in (["live"], ["live", "previous"])
        kept = tuple(f"drug:{name}:" for name in index.generations())
        assert all(key.decode().startswith(kept) for key in index.redis.keys("drug:*"))
        assert index.redis.keys("staged:*") == []


def _content(document: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in document.items() if name not in OWN_FIELDS}


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
