"""The MySQL or MariaDB of this machine, and how each is prepared and started.

``$DRUGSYNC_MYSQL_SERVER`` names one; else ``mariadbd`` of Debian 12 and 13, else ``mysqld``.
"""

from __future__ import annotations

import os
import pwd
import re
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass

from local.errors import LocalError
from local.places import MYSQL_VARIABLE

PROGRAMS = ("mariadbd", "mysqld")
SERVER_DIRECTORIES = ("/usr/sbin", "/usr/libexec", "/usr/local/sbin", "/usr/local/bin")
INSTALL = (
    "Run: sudo apt-get install --no-install-recommends mariadb-server-core mariadb-client-core "
    "(or mysql-server-core)"
)
VERSION = re.compile(r"Ver (\d+\.\d+\.\d+)")
ONLY_MYSQL = (
    "--secure-file-priv=NULL",  # otherwise it needs a folder that only the full package creates
    "--mysqlx=OFF",
)


@dataclass(frozen=True)
class MySQLBinaries:
    """``kind`` is MariaDB or MySQL; ``version`` names both."""

    kind: str
    version: str
    server: str

    def install_command(self, data: str, options: Sequence[str]) -> list[str]:
        """What makes the system tables in a folder here, ``data``; temporary files go to $TMPDIR.

        MySQL takes ``lower_case_table_names`` then or never. MariaDB's script cuts at blanks what
        it hands on, so that no path of a user's, nor options, can go through it.
        """
        common = ["--no-defaults", f"--datadir=./{data}", *as_user()]
        if self.kind == "MySQL":
            return [self.server, *common, "--initialize-insecure", ONLY_MYSQL[0], *options]
        return [
            _program("mariadb-install-db"),
            *common,
            "--auth-root-authentication-method=normal",
            "--skip-test-db",
            "--skip-name-resolve",
        ]

    def start_command(self, options: Sequence[str]) -> list[str]:
        own = ONLY_MYSQL if self.kind == "MySQL" else ()
        return [self.server, "--no-defaults", *options, *own, *as_user()]


def find_mysql(kind: str | None = None) -> MySQLBinaries:
    """The server of this machine, or the one of this kind. LocalError if there is none."""
    named = os.environ.get(MYSQL_VARIABLE)
    for name in (named,) if named else PROGRAMS:
        path = _path(name)
        found = _identified(path) if path else None
        if found and kind in (None, found.kind):
            return found
    if named:
        wanted = kind or "MySQL or MariaDB"
        raise LocalError(f"${MYSQL_VARIABLE} is {named}, which is no {wanted} server")
    if kind:
        raise LocalError(f"The local data are {kind}'s, which is not installed. {INSTALL}")
    raise LocalError(f"Neither MariaDB nor MySQL is installed. {INSTALL}")


def as_user() -> list[str]:
    """The servers refuse to run as root unless told to."""
    return [f"--user={pwd.getpwuid(0).pw_name}"] if os.geteuid() == 0 else []


def _identified(server: str) -> MySQLBinaries | None:
    answer = subprocess.run(
        [server, "--no-defaults", "--version"], capture_output=True, text=True, check=False
    ).stdout
    version = VERSION.search(answer)
    if version is None:
        return None
    kind = "MariaDB" if "MariaDB" in answer else "MySQL"
    return MySQLBinaries(kind, f"{kind} {version[1]}", server)


def _path(name: str) -> str | None:
    return shutil.which(name) or shutil.which(name, path=os.pathsep.join(SERVER_DIRECTORIES))


def _program(name: str) -> str:
    found = _path(name)
    if found is None:
        raise LocalError(f"{name} was not found. {INSTALL}")
    return found
