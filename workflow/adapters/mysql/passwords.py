"""Two passwords of one user: MySQL 8.0.14 and newer, and Aurora MySQL 3. MariaDB keeps one.

https://dev.mysql.com/doc/refman/8.4/en/password-management.html#dual-passwords
"""

from collections.abc import Callable, Sequence
from contextlib import closing
from typing import Any, Final

from mysql.connector.errors import Error

from workflow.adapters.mysql.catalog import MySQLCatalog, open_connection
from workflow.adapters.mysql.errors import translated
from workflow.contract.errors import CatalogAccessDenied, CatalogQueryFailed
from workflow.contract.ports.passwords import Login

ADD: Final = "ALTER USER USER() IDENTIFIED BY %s RETAIN CURRENT PASSWORD"
"""Of the user who is logged in. What is kept is the newest password, not the one of this login: the
two differ after a rotation that was broken off.
"""

RIGHT_MISSING: Final = 1227
NO_SUCH_WORDS: Final = 1064
"""A syntax error, whose words repeat the statement, new password included: no cause is kept."""

KEEPS_ONE: Final = (
    "this server keeps one password per user (MariaDB, and MySQL before 8.0.14): rotate with two "
    "alternating users (docs/passwords.md)"
)


class MySQLPasswords:
    """`workflow.contract.ports.passwords.Passwords`."""

    def __init__(
        self,
        options: Callable[[str, Login], dict[str, Any]],
        hosts: Sequence[str],
        table: str,
        timeout_s: int,
    ) -> None:
        """The first of `hosts` writes; `options` are those of a connection to one as someone."""
        self._options = options
        self._hosts = hosts
        self._table = table
        self._timeout_s = timeout_s

    def check(self, login: Login) -> None:
        """At the readers, too, who may learn of a password later than the writer."""
        for host in self._hosts:
            options = self._options(host, login)
            catalog = MySQLCatalog(lambda found=options: found, self._table, self._timeout_s)  # type: ignore[misc]
            with catalog.connect() as reader:
                reader.columns()

    def add(self, login: Login, password: str) -> None:
        """Raises CatalogAccessDenied without the right, CatalogQueryFailed at a server that keeps
        one password a user.
        """
        options = self._options(self._hosts[0], login)
        connection = open_connection(options, self._table, self._timeout_s)
        with closing(connection), translated(self._table), connection.cursor() as cursor:
            try:
                for one in (login.password, password):
                    cursor.execute(ADD, (one,))
            except Error as error:
                if error.errno == NO_SUCH_WORDS:
                    raise CatalogQueryFailed(KEEPS_ONE) from None
                if error.errno != RIGHT_MISSING:
                    raise
                raise CatalogAccessDenied(
                    f"{login.user} may not keep its password next to a new one: GRANT "
                    f"APPLICATION_PASSWORD_ADMIN ON *.* TO {login.user}"
                ) from error
