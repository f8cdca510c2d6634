"""The four steps of a rotation, in order, twice each, and broken off between any two."""

from __future__ import annotations

from itertools import count
from typing import Any

import pytest

from workflow.contract.errors import CatalogAccessDenied, CatalogQueryFailed, InvalidInput
from workflow.contract.ports.passwords import Login
from workflow.operate.rotate import LENGTH, LETTERS, RotationTask, new_password, rotate

ARN = "arn:aws:secretsmanager:us-east-1:1:secret:reader-AbCdEf"
STEPS = ("createSecret", "setSecret", "testSecret", "finishSecret")


class Versions:
    """Of one secret."""

    def __init__(self) -> None:
        self.logins = {"first": Login("reader", "old")}
        self.is_current = "first"

    def current(self) -> Login:
        return self.logins[self.is_current]

    def pending(self, token: str) -> Login | None:
        return self.logins.get(token)

    def propose(self, token: str, password: str) -> None:
        assert token not in self.logins
        self.logins[token] = Login("reader", password)

    def finish(self, token: str) -> None:
        self.is_current = token


class Server:
    """As MySQL: a user has its password, and one that it had before. The adapter sets the password
    that it logs in with once more, so that this is the one that MySQL keeps.
    """

    def __init__(self) -> None:
        self.valid = ["old"]

    def check(self, login: Login) -> None:
        if login.password not in self.valid:
            raise CatalogAccessDenied("MySQL refused the user")

    def add(self, login: Login, password: str) -> None:
        self.check(login)
        for one in (login.password, password):
            self.valid = [one, self.valid[0]]


class Rotation:
    def __init__(self) -> None:
        self.versions, self.server = Versions(), Server()
        self._passwords = (f"new {number}" for number in count(1))

    def step(self, name: str, version: str = "t1") -> None:
        rotate(
            task_of(name, version),
            own_secret=ARN,
            versions=self.versions,
            passwords=self.server,
            make_password=lambda: next(self._passwords),
        )


def task_of(step: str, token: str, **more: Any) -> RotationTask:
    event = {"Step": step, "SecretId": ARN, "ClientRequestToken": token, **more}
    return RotationTask.model_validate(event)


@pytest.fixture
def rotation() -> Rotation:
    return Rotation()


def test_after_each_step_the_current_login_and_the_one_before_it_are_let_in(
    rotation: Rotation,
) -> None:
    for token in ("t1", "t2", "t3"):
        before = rotation.versions.current()
        for step in STEPS:
            rotation.step(step, token)
            rotation.server.check(before)
            rotation.server.check(rotation.versions.current())
        assert rotation.versions.current() != before
    assert rotation.server.valid == ["new 3", "new 2"]


def test_each_step_may_run_twice(rotation: Rotation) -> None:
    """A second setSecret that changed the password again would drop the current one."""
    for step in STEPS:
        rotation.step(step)
        rotation.step(step)
        rotation.server.check(Login("reader", "old"))
    assert rotation.versions.current() == Login("reader", "new 1")


def test_a_rotation_that_was_broken_off_locks_nobody_out(rotation: Rotation) -> None:
    """Another one follows; its new password takes the place of the one that was never used."""
    for step in STEPS[:2]:
        rotation.step(step, "broken")
    for step in STEPS:
        rotation.step(step, "t2")
        rotation.server.check(rotation.versions.current())
    assert rotation.versions.current() == Login("reader", "new 2")


def test_a_password_that_nobody_set_is_not_published(rotation: Rotation) -> None:
    rotation.step("createSecret")
    with pytest.raises(CatalogAccessDenied):
        rotation.step("testSecret")


def test_a_login_that_somebody_changed_by_hand_is_said(rotation: Rotation) -> None:
    rotation.server.valid = ["by hand"]
    rotation.step("createSecret")
    with pytest.raises(CatalogAccessDenied):
        rotation.step("setSecret")


def test_a_version_that_is_not_there_is_named(rotation: Rotation) -> None:
    with pytest.raises(InvalidInput, match=f"{ARN} has no version t1: rotate it again"):
        rotation.step("setSecret")


@pytest.mark.parametrize("pending", [None, Login("reader", "old")], ids=["nothing", "a copy"])
def test_setting_a_schedule_asks_for_the_test_alone(
    rotation: Rotation, pending: Login | None
) -> None:
    """Else the deployment that turns rotation on would raise the alarm `RotationFailed`."""
    if pending:
        rotation.versions.logins["t1"] = pending
    rotation.step("testSecret")
    rotation.server.valid = ["by hand"]
    with pytest.raises(CatalogAccessDenied):
        rotation.step("testSecret")


def test_no_other_secret_is_touched(rotation: Rotation) -> None:
    task = task_of("createSecret", "t1", SecretId="arn:other")
    with pytest.raises(InvalidInput, match="only, not arn:other"):
        rotate(task, own_secret=ARN, versions=rotation.versions, passwords=rotation.server)


def test_fields_that_aws_adds_are_passed_over() -> None:
    assert task_of("testSecret", "t1", RotationToken="x").token == "t1"


def test_a_new_password_needs_no_quotes_anywhere() -> None:
    made = {new_password() for _ in range(100)}
    assert len(made) == 100
    assert all(len(one) == LENGTH and set(one) <= set(LETTERS) for one in made)


def test_a_login_does_not_show_its_password() -> None:
    assert "old" not in repr(Login("reader", "old"))


def test_an_error_of_the_server_is_not_taken_for_a_refused_login(
    rotation: Rotation, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_login: Login) -> None:
        raise CatalogQueryFailed("MySQL refused a statement")

    rotation.step("createSecret")
    monkeypatch.setattr(rotation.server, "check", broken)
    with pytest.raises(CatalogQueryFailed):
        rotation.step("setSecret")
    assert rotation.server.valid == ["old"]
