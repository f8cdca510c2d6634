"""Every failure that a user can fix, as one sentence: what is wrong, and what to do. Any other
failure is a bug, and shows its traceback.
"""

import errno
import os
import re
import shlex
from collections.abc import Callable

import mysql.connector
import redis.exceptions

from cli.sites.site import SiteError
from local.errors import LocalError
from local.places import ELSEWHERE, HOME_VARIABLE, home
from workflow.contract.errors import RunStoreUnavailable, SyncError
from workflow.operate.doctor import remedy

OS_ERRORS = {
    errno.ENOSPC: f"there is no space left; make room, {ELSEWHERE}",
    errno.EDQUOT: f"the disk quota is used up; make room, {ELSEWHERE}",
    errno.EFBIG: f"the file reached the size limit; raise it (ulimit -f), {ELSEWHERE}",
    errno.EROFS: f"the file system is read-only; mount it writable, {ELSEWHERE}",
    errno.EACCES: f"permission denied; check its owner and mode (ls -ld), {ELSEWHERE}",
    errno.EPERM: f"not permitted; check its owner and mode (ls -ld), {ELSEWHERE}",
    errno.ENOTDIR: f"a file is in the place of a folder; move it, {ELSEWHERE}",
    errno.ENOENT: f"it does not exist; correct the path, or {HOME_VARIABLE}",
    errno.EISDIR: f"a folder is in the place of a file; move it, {ELSEWHERE}",
    errno.EMFILE: "too many open files; raise the limit (ulimit -n)",
}

MYSQL_FULL = {1021, 1114, 3675}
NO_ROOM = re.compile(r"errno: (28|135)\b|errcode: 28\b|no space|disk (is )?full", re.IGNORECASE)
MYSQL_WORDS = {
    1045: "the user or password is wrong",
    1049: "the database does not exist; create it, or correct DRUGSYNC_MYSQL_DATABASE",
    1142: "the user lacks a right; grant it",
    1205: "another open transaction blocks the table; end it, then try again",
    2002: "the server does not answer; start it: drugsync up",
    2003: "the server does not answer; start it: drugsync up",
    2013: "the server went away; see its log, then: drugsync up",
    2055: "the server went away; see its log, then: drugsync up",
}


def sentence(error: BaseException) -> str:
    """The sentence for the user; empty if the failure is a bug."""
    for kind, tell in TOLD.items():
        if isinstance(error, kind):
            return tell(error)
    return ""


def _named(error: BaseException) -> str:
    """With the advice of the error's definition; a write to this machine's disk as any other."""
    if isinstance(error, RunStoreUnavailable) and isinstance(error.__cause__, OSError):
        return _os(error.__cause__)
    name = type(error).__name__
    return f"{name}: {error}. {remedy(name)}".rstrip(". ")


def _os(error: BaseException) -> str:
    assert isinstance(error, OSError)  # noqa: S101 - TOLD says so
    # A file that was open already has no name in the error.
    where = os.fsdecode(error.filename) if error.filename else f"{home()}, or where output goes"
    look = f"look at it with: ls -ld {shlex.quote(where)}" if error.filename else "check its disk"
    unknown = f"{(error.strerror or str(error)).lower()}; {look}"
    return f"{where}: {OS_ERRORS.get(error.errno or 0, unknown)}"


def _mysql(error: BaseException) -> str:
    assert isinstance(error, mysql.connector.Error)  # noqa: S101 - TOLD says so
    said = " ".join(str(error).split())
    if error.errno in MYSQL_FULL or NO_ROOM.search(said):
        return f"the catalog's server has no space left ({said}); make room on {home()}"
    words = MYSQL_WORDS.get(error.errno or 0, "see what is wrong with: drugsync doctor")
    return f"the catalog's server: {words} ({said})"


def _redis(error: BaseException) -> str:
    return f"Redis: {error}; check it with: drugsync doctor"


TOLD: dict[type[BaseException], Callable[[BaseException], str]] = {
    LocalError: str,
    SiteError: str,
    SyncError: _named,
    mysql.connector.Error: _mysql,
    redis.exceptions.RedisError: _redis,
    OSError: _os,
}
