"""What each connection sets before it reads, so that no default of a server changes an answer.

Every session variable of MySQL 8 to 9 and MariaDB 10.11 to 11.8 that changes which rows a SELECT
gives, or how their values are written, is here. All are read back: a proxy may swallow a SET.
"""

from typing import Final

from mysql.connector.abstracts import MySQLConnectionAbstract

from workflow.contract.errors import CatalogQueryFailed

Values = dict[str, int | str]

CHARSET: Final = "utf8mb4"
COLLATION: Final = "utf8mb4_bin"
EVERY_ROW: Final = 18_446_744_073_709_551_615

SQL_MODE: Final = "IF(FIND_IN_SET('ONLY_FULL_GROUP_BY', @@sql_mode), 'ONLY_FULL_GROUP_BY', '')"
"""Turns off every mode that changes how statements or values are read, such as ANSI_QUOTES,
NO_BACKSLASH_ESCAPES or PAD_CHAR_TO_FULL_LENGTH. ONLY_FULL_GROUP_BY may stay: it refuses views whose
rows are a matter of chance."""

COMMON: Final[Values] = {
    "character_set_client": CHARSET,
    "character_set_results": CHARSET,
    "collation_connection": COLLATION,
    "sql_select_limit": EVERY_ROW,  # otherwise rows beyond it are silently missing
    "sql_big_selects": 1,  # otherwise max_join_size refuses a view over large tables
    "sql_auto_is_null": 0,  # otherwise IS NULL may find the row that was inserted last
    "group_concat_max_len": 16 * 1024 * 1024,  # otherwise values are cut after 1,024 bytes
    "time_zone": "+00:00",  # of TIMESTAMP columns
    "div_precision_increment": 4,  # decimals of a view's quotients
    "default_week_format": 0,
    "lc_time_names": "en_US",
}


def _of_mysql(timeout_s: int) -> Values:
    return {
        "transaction_isolation": "REPEATABLE-READ",
        "transaction_read_only": 1,
        "lock_wait_timeout": timeout_s,
        "max_execution_time": timeout_s * 1000,  # of a SELECT, in ms
    }


def _of_mariadb(timeout_s: int) -> Values:
    return {
        "tx_isolation": "REPEATABLE-READ",
        "tx_read_only": 1,
        "lock_wait_timeout": timeout_s,
        "max_statement_time": timeout_s,
        "max_recursive_iterations": 4_294_967_295,  # otherwise a recursive view ends early
    }


def server_of(connection: MySQLConnectionAbstract) -> str:
    """`MariaDB 10.11.19` or `MySQL 9.7.4`. MariaDB puts 5.5.5 before its version."""
    version = str(connection.server_info)
    kind = "MariaDB" if "mariadb" in version.lower() else "MySQL"
    return f"{kind} {version.removeprefix('5.5.5-').partition('-')[0]}"


def prepare(connection: MySQLConnectionAbstract, timeout_s: int) -> None:
    """Set the session, and read it back. Raises CatalogQueryFailed if a value differs."""
    own = _of_mariadb if server_of(connection).startswith("MariaDB") else _of_mysql
    wanted = COMMON | own(timeout_s)
    assignments = [f"SESSION {name} = %s" for name in wanted]
    with connection.cursor() as cursor:
        # Alone and first, because it decides how the next statement is read.
        cursor.execute(f"SET SESSION sql_mode = {SQL_MODE}")
        cursor.execute(f"SET {', '.join(assignments)}", tuple(wanted.values()))
        names = ["sql_mode", *wanted]
        cursor.execute(f"SELECT {', '.join(f'@@SESSION.{name}' for name in names)}")
        row = cursor.fetchall()[0]
    _check(dict(zip(names, row, strict=True)), wanted)


def _check(found: dict[str, object], wanted: Values) -> None:
    mode = found.pop("sql_mode")
    wrong = [f"{name} = {found[name]}" for name in wanted if not _same(found[name], wanted[name])]
    if mode not in ("", "ONLY_FULL_GROUP_BY"):
        wrong.append(f"sql_mode = {mode}")
    if wrong:
        raise CatalogQueryFailed(
            f"the server kept {', '.join(wrong)} against this session's SET, so rows or values "
            "could differ from the catalog's; connect past the proxy that swallows SET"
        )


def _same(found: object, wanted: int | str) -> bool:
    if isinstance(wanted, int):
        return isinstance(found, (int, float, str)) and float(found) == float(wanted)
    return str(found) == wanted
