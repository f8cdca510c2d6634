"""When a child of the standby is as good as the process that asks: what both must share."""

import ast
import os
import resource
import sys
import sysconfig
from pathlib import Path

from local.engine.definition import DEFINITION

PACKAGES = ("cli", "handlers", "local", "workflow")
LIMITS = [name for name in dir(resource) if name.startswith("RLIMIT_")]


def alike() -> str:
    """If this text is equal in two processes, a command does the same in both."""
    umask = os.umask(0o077)
    os.umask(umask)
    root = os.stat("/")
    return repr(
        (
            (sys.executable, sys.version, sys.stdout.encoding, sys.stdout.errors),
            _code(),
            (os.geteuid(), os.getegid(), sorted(os.getgroups()), umask, os.nice(0)),
            (root.st_dev, root.st_ino),
            [resource.getrlimit(getattr(resource, name)) for name in LIMITS],
        )
    )


PARTS = (
    "another Python, or another encoding of its output",
    "other code: drugsync up starts one with the current code",
    "another user, group, umask or priority",
    "another root folder",
    "other resource limits (ulimit)",
)


def differs(said: str) -> str:
    """What another process has in other words than this one; empty where nothing differs."""
    here = alike()
    if said == here:
        return ""
    try:
        theirs, ours = ast.literal_eval(said), ast.literal_eval(here)
        pairs = zip(theirs, ours, PARTS, strict=True)
        return next(name for one, other, name in pairs if one != other)
    except (ValueError, SyntaxError, TypeError):
        return PARTS[1]


def _code() -> tuple[int, int, int]:
    """Files of ours, when the newest was changed, and when a library was last installed."""
    base = Path(__file__).parents[2]
    times = [os.stat(DEFINITION).st_mtime_ns]
    for package in PACKAGES:
        for folder, folders, files in os.walk(base / package):
            folders[:] = [name for name in folders if name != "__pycache__"]
            times += [os.stat(os.path.join(folder, name)).st_mtime_ns for name in files]
    return len(times), max(times), os.stat(sysconfig.get_path("purelib")).st_mtime_ns
