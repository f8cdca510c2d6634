"""The servers' error numbers, by class: what passes, what the user lacks, what is not there."""

from __future__ import annotations

from itertools import combinations

import pytest
from mysql.connector import errorcode
from mysql.connector.errors import DatabaseError, InterfaceError, ProgrammingError

from workflow.adapters.mysql import errors
from workflow.adapters.mysql.errors import translated
from workflow.contract.errors import (
    CatalogAccessDenied,
    CatalogError,
    CatalogMissing,
    CatalogQueryFailed,
    CatalogUnavailable,
    ColumnMissing,
)

CLASSES = [
    errors.LOGIN,
    errors.RIGHTS,
    errors.MISSING,
    errors.UNAVAILABLE,
    {errors.NO_SHOW_VIEW, errors.VIEW_BROKEN, errors.COLUMN_MISSING},
]
OTHERS_NUMBERS = {
    3: "mysys: a temporary file could not be written",
    1927: "MariaDB: connection was killed",
    1969: "MariaDB: max_statement_time exceeded",
    4151: "MariaDB: the account is locked",
    9001: "ProxySQL: no backend answered in time",
}


def translation(error: Exception) -> CatalogError:
    with pytest.raises(CatalogError) as raised, translated("drugs"):
        raise error
    return raised.value


@pytest.mark.parametrize(
    ("number", "what"),
    [
        (4031, "the client was idle for too long"),
        (3169, "the session was killed"),
        (1105, "RDS Proxy found no connection in time"),
        (1412, "the table's definition changed"),
        (1114, "a temporary table was full"),
        (1615, "a prepared statement must be prepared again"),
        (1135, "no thread"),
        (1041, "no memory"),
        (9001, "ProxySQL found no backend in time"),
        (1213, "deadlock"),
        (1047, "a Galera node is not ready"),
        (3032, "the server is offline"),
        (2013, "the connection broke"),
        (1040, "too many connections"),
    ],
)
def test_what_passes_is_retried(number: int, what: str) -> None:
    error = translation(DatabaseError(msg=what, errno=number))
    assert isinstance(error, CatalogUnavailable), what
    assert error.retry is not None
    assert what in str(error)


@pytest.mark.parametrize(
    "said",
    [
        "sha256_password requires SSL",
        "Authentication plugin 'authentication_kerberos_client' cannot be imported",
    ],
)
def test_what_the_driver_itself_cannot_log_in_with_is_access(said: str) -> None:
    """MySQL asks an unknown user for a password of any kind."""
    error = translation(InterfaceError(said))
    assert isinstance(error, CatalogAccessDenied)
    assert "check mysql_user" in str(error)


@pytest.mark.parametrize(
    ("number", "remedy"),
    [
        *((number, "check mysql_user, its secret") for number in (1045, 1130, 1820, 1862, 4151)),
        *((number, "check mysql_user, its secret") for number in (1251, 1275, 2059, 1129, 3159)),
        *((number, "check the grant SELECT on drugs") for number in (1142, 1143, 1449)),
        (1345, "GRANT SELECT, SHOW VIEW ON drugs"),
    ],
)
def test_what_the_user_may_not_do_is_not_tried_again_and_has_its_remedy(
    number: int, remedy: str
) -> None:
    error = translation(DatabaseError(msg="no", errno=number))
    assert isinstance(error, CatalogAccessDenied)
    assert remedy in str(error)


@pytest.mark.parametrize(
    ("number", "kind", "remedy"),
    [
        (1049, CatalogMissing, "check catalog_table and mysql_database"),
        (1146, CatalogMissing, "check catalog_table and mysql_database"),
        (1356, CatalogMissing, "correct the view drugs"),
        (1054, ColumnMissing, "it was there when the page began"),
        (1064, CatalogQueryFailed, "refused a statement on drugs"),
        (1055, CatalogQueryFailed, "refused a statement on drugs"),
    ],
)
def test_what_is_not_there_is_named(number: int, kind: type[CatalogError], remedy: str) -> None:
    error = translation(ProgrammingError(msg="no", errno=number))
    assert type(error) is kind
    assert remedy in str(error)


def test_an_error_that_the_driver_wrapped_keeps_its_number() -> None:
    wrapped = ProgrammingError("Failed processing format-parameters; 1820")
    wrapped.__cause__ = DatabaseError(msg="change your password", errno=1820)
    assert isinstance(translation(wrapped), CatalogAccessDenied)


def test_a_broken_connection_without_a_number_is_retried() -> None:
    assert isinstance(translation(ConnectionResetError("reset")), CatalogUnavailable)
    assert isinstance(translation(DatabaseError("no connection")), CatalogUnavailable)


def test_a_number_is_in_one_class() -> None:
    for one, another in combinations(CLASSES, 2):
        assert not one & another


def test_a_number_is_an_error_of_some_server() -> None:
    known = {value for value in vars(errorcode).values() if isinstance(value, int)}
    assert set().union(*CLASSES) - known == set(OTHERS_NUMBERS)
