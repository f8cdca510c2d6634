"""The password of the catalog's user: in its secret, and at the server."""

from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Login:
    """Name and password belong together."""

    user: str
    password: str = field(repr=False)


class SecretVersions(Protocol):
    """Versions of one secret: the current one, and the one that a rotation brings."""

    def current(self) -> Login: ...

    def pending(self, token: str) -> Login | None:
        """The rotation's own version; None until it is proposed."""
        ...

    def propose(self, token: str, password: str) -> None:
        """The rotation's version: the current one with another password."""
        ...

    def finish(self, token: str) -> None:
        """The rotation's version is the current one from now on, and the current the previous."""
        ...


class Passwords(Protocol):
    """A user's passwords at the server."""

    def check(self, login: Login) -> None:
        """Raises CatalogAccessDenied if the login may not read the catalog at every endpoint."""
        ...

    def add(self, login: Login, password: str) -> None:
        """Give the user another password; the one that it logs in with here stays valid."""
        ...
