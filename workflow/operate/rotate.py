"""Gives the catalog's user a new password while runs continue, as Secrets Manager asks, in four
steps.

The user changes its own password, and the one before stays valid until the next rotation: a
function that logs in with either is let in. No administrator's password is needed.
https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotate-secrets_lambda-functions.html
"""

import secrets
import string
from collections.abc import Callable
from typing import Literal

from pydantic import ConfigDict, Field

from workflow.contract.errors import CatalogAccessDenied, InvalidInput
from workflow.contract.events.base import Event
from workflow.contract.ports.passwords import Login, Passwords, SecretVersions

LETTERS = string.ascii_letters + string.digits
"""None needs quoting, in SQL, a shell or a URL."""

LENGTH = 40

Step = Literal["createSecret", "setSecret", "testSecret", "finishSecret"]


class RotationTask(Event):
    """What Secrets Manager sends; fields that it adds one day are passed over."""

    model_config = ConfigDict(extra="ignore")

    step: Step = Field(alias="Step")
    """Which of the four."""
    secret_arn: str = Field(alias="SecretId")
    """The secret that is rotated."""
    token: str = Field(alias="ClientRequestToken")
    """The id of the new version."""


class RotationStep(Event):
    """What was done."""

    step: Step
    """The step that is done now."""


def new_password() -> str:
    return "".join(secrets.choice(LETTERS) for _ in range(LENGTH))


def rotate(
    task: RotationTask,
    *,
    own_secret: str,
    versions: SecretVersions,
    passwords: Passwords,
    make_password: Callable[[], str] = new_password,
) -> RotationStep:
    """One step. Each may run twice: Secrets Manager repeats what failed.

    Raises CatalogAccessDenied if neither password is let in.
    """
    if task.secret_arn != own_secret:
        raise InvalidInput(f"this function rotates {own_secret} only, not {task.secret_arn}")
    if task.step == "createSecret":
        if versions.pending(task.token) is None:
            versions.propose(task.token, make_password())
    elif task.step == "finishSecret":
        versions.finish(task.token)
    elif task.step == "setSecret":
        pending = versions.pending(task.token)
        if pending is None:
            raise InvalidInput(f"{own_secret} has no version {task.token}: rotate it again")
        _let_in(pending, versions.current(), passwords)
    else:
        _test(versions.pending(task.token), versions.current(), passwords)
    return RotationStep(step=task.step)


def _test(pending: Login | None, current: Login, passwords: Passwords) -> None:
    """Secrets Manager also asks for this step alone, when a schedule is set that does not rotate at
    once. Its version may then hold nothing new:
    https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_RotateSecret.html
    """
    for login in filter(None, (pending, current)):
        passwords.check(login)


def _let_in(pending: Login, current: Login, passwords: Passwords) -> None:
    """Only if it is not valid yet: the server keeps two, and a second call would drop the current
    one.
    """
    try:
        passwords.check(pending)
    except CatalogAccessDenied:
        passwords.add(current, pending.password)
