"""How far a reader lags behind its writer.

Sources: Aurora MySQL's `information_schema.replica_host_status`, which every user may read; SHOW
REPLICA STATUS of MySQL 8.0.22 and MariaDB 10.5 on, which needs a right of its own.
"""

from collections.abc import Mapping
from math import inf
from typing import Any, Final

from mysql.connector.abstracts import MySQLConnectionAbstract
from mysql.connector.errors import Error

from workflow.contract.errors import CatalogAccessDenied, CatalogLagging

NO_RIGHT: Final = 1227
AURORA: Final = (
    "SELECT replica_lag_in_milliseconds FROM information_schema.replica_host_status "
    "WHERE server_id = @@aurora_server_id"
)
BEHIND: Final = ("seconds_behind_source", "seconds_behind_master")


def check_lag(connection: MySQLConnectionAbstract, host: str, most_s: int) -> None:
    """Raise CatalogLagging if the reader is further behind, CatalogAccessDenied if nobody knows.

    Otherwise verification would take rows that have not arrived yet for rows that changed during
    the run.
    """
    lag_s = _lag_s(connection, host)
    if lag_s > most_s:
        behind = (
            "is a reader without running replication, so its lag is unknown"
            if lag_s == inf
            else f"is {lag_s:g} s behind its writer"
        )
        raise CatalogLagging(
            f"mysql_reader_host {host} {behind}, and {most_s} s are allowed "
            f"(mysql_reader_lag_s); this is retried; repair it, or leave mysql_reader_host empty"
        )


def _lag_s(connection: MySQLConnectionAbstract, host: str) -> float:
    """0 for a writer. Infinite where nobody can say it, and for a reader that follows nobody: a
    group's secondary, of which the server says nothing, or a replica that was detached.
    """
    with connection.cursor(dictionary=True) as cursor:
        cursor.execute("SHOW VARIABLES LIKE 'aurora_server_id'")
        if cursor.fetchall():
            cursor.execute(AURORA)
            return max((of_aurora(row) for row in cursor.fetchall()), default=inf)
        try:
            cursor.execute("SHOW REPLICA STATUS")
        except Error as error:
            if error.errno != NO_RIGHT:
                raise
            raise CatalogAccessDenied(
                f"the lag of mysql_reader_host {host} is unknown: {error.msg}; GRANT "
                "REPLICATION CLIENT (MariaDB: REPLICA MONITOR) ON *.* to the user, or leave "
                "mysql_reader_host empty"
            ) from error
        rows = cursor.fetchall()
        cursor.execute("SELECT @@global.read_only AS reader")
        of_none = inf if any(row["reader"] for row in cursor.fetchall()) else 0.0
        return max(map(of_replica, rows), default=of_none)


def of_aurora(row: Mapping[str, Any]) -> float:
    """Milliseconds; NULL if it is not known."""
    lag_ms = next(iter(row.values()))
    return inf if lag_ms is None else float(lag_ms) / 1000


def of_replica(row: Mapping[str, Any]) -> float:
    """Seconds; NULL while replication is stopped."""
    seconds = next(value for name, value in row.items() if name.lower() in BEHIND)
    return inf if seconds is None else float(seconds)
