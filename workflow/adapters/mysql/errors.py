"""Translates the driver's errors into ours, once. The numbers come from the servers' own lists.

Sources: MySQL 9.7's server and client error reference, MariaDB's error codes; ProxySQL's and RDS
Proxy's own numbers. An error in none of these classes is CatalogQueryFailed, with the server's
words.
"""

import struct
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from mysql.connector.errors import Error

from workflow.contract.certificates import refused_certificate
from workflow.contract.errors import (
    CatalogAccessDenied,
    CatalogError,
    CatalogMissing,
    CatalogQueryFailed,
    CatalogUnavailable,
    ColumnMissing,
)

LOGIN: Final = {
    *(1045, 1698, 1873),  # wrong user or password
    *(1044, 1130, 1131, 1132, 1133),  # not from this host, not to this database
    *(1820, 1862),  # the password expired
    *(3118, 4151, 3955),  # the account is locked: MySQL, MariaDB, after wrong passwords
    *(1251, 1275, 1524, 2049, 2054, 2059, 2061),  # an authentication plugin that one side lacks
    *(3159, 3160),  # TLS is required
    *(1129,),  # too many broken connections from this host: mysqladmin flush-hosts
}
RIGHTS: Final = {
    *(1142, 1143, 1147, 1227, 1370, 3879),  # no grant
    *(1449, 3530),  # the view's definer is gone, or its role
    *(3552, 3554, 3557, 3566, 3620),  # the server's own tables
}
NO_SHOW_VIEW: Final = 1345
MISSING: Final = {1046, 1049, 1051, 1109, 1146}
VIEW_BROKEN: Final = 1356
COLUMN_MISSING: Final = 1054

UNAVAILABLE: Final = {
    # connections and network
    *(1040, 1042, 1043, 1047, 1080, 1105, 1152, 1154, 1155, 1156, 1157, 1158, 1159, 1160, 1161),
    *(1184, 1203, 1226, 4031, 9001),  # 9001: ProxySQL; 1105: RDS Proxy; 1047: a Galera node
    # the server stops, starts or is taken away
    *(1053, 1077, 1079, 3032, 3168, 3169, 1927),
    # out of memory, threads, disk for sorting, for the moment
    *(3, 1021, 1026, 1037, 1038, 1041, 1114, 1135, 1878, 3015, 3019, 3675, 3985),
    # locks; killed or timed-out statements
    *(1015, 1205, 1206, 1213, 1317, 1689, 3024, 3058, 3132, 3133, 3572, 1969),
    # a table was altered or swapped while it was read
    *(1412, 1615, 1684),
    # the client's own
    *(2002, 2003, 2004, 2005, 2006, 2012, 2013, 2014, 2027, 2055),
}
NO_TLS: Final = 2026
"""From the pure Python driver: the server offers no TLS, and the settings ask for it."""


@contextmanager
def translated(table: str) -> Iterator[None]:
    """Turn the driver's errors into ours, once, with the cause kept."""
    try:
        yield
    except Error as error:
        raise _translate(error, table) from error
    except (OSError, EOFError) as error:
        raise CatalogUnavailable(f"the connection to MySQL broke: {error}") from error


@contextmanager
def greeted() -> Iterator[None]:
    """The driver reads whatever answers first as MySQL's greeting, and fails in its own ways."""
    try:
        yield
    except (IndexError, ValueError, struct.error) as error:
        raise CatalogUnavailable(
            f"what answered does not speak MySQL's protocol ({error}); check mysql_host and "
            "mysql_port"
        ) from error


OF_PLUGINS: Final = ("requires SSL", "uthentication plugin")
"""What the driver itself says where it cannot log in as the server asks. MySQL asks unknown users
for a password of any kind, so that nobody learns which users exist."""


def _number(error: BaseException | None) -> int | None:
    """The server's. The driver wraps some of its errors in another without one."""
    while error is not None:
        if isinstance(error, Error) and error.errno not in (None, -1):
            return int(error.errno)
        error = error.__cause__ or error.__context__
    return None


def _translate(error: Error, table: str) -> CatalogError:
    number = _number(error)
    distrust = refused_certificate(error)
    if distrust or number == NO_TLS or isinstance(error.__cause__, FileNotFoundError):
        return CatalogAccessDenied(
            f"no TLS connection to MySQL that can be trusted: {distrust or error.msg}; check "
            "mysql_host, mysql_ssl_ca and mysql_tls"
        )
    if number in LOGIN or (number is None and any(words in str(error) for words in OF_PLUGINS)):
        return CatalogAccessDenied(
            f"MySQL refused the user: {error.msg}; check mysql_user, its secret, its host and TLS"
        )
    if number in RIGHTS:
        return CatalogAccessDenied(
            f"MySQL refused the user: {error.msg}; check the grant SELECT on {table}, and the "
            "rights of its definer where it is a view"
        )
    if number == NO_SHOW_VIEW:
        return CatalogAccessDenied(
            f"MySQL does not explain its plan for {table}: {error.msg}; GRANT SELECT, SHOW VIEW "
            f"ON {table}, and SELECT on the tables that the view reads, to the user"
        )
    if number in MISSING:
        return CatalogMissing(
            f"MySQL: {error.msg}; check catalog_table and mysql_database, including upper and "
            f"lower case"
        )
    if number == VIEW_BROKEN:
        return CatalogMissing(
            f"MySQL: {error.msg}; correct the view {table}: what it reads is gone, or its "
            "definer may not read it"
        )
    if number == COLUMN_MISSING:
        return ColumnMissing(f"MySQL: {error.msg} (it was there when the page began)")
    if number in UNAVAILABLE or number is None:
        return CatalogUnavailable(f"MySQL did not answer: {error}")
    return CatalogQueryFailed(f"MySQL refused a statement on {table}: {error}")
