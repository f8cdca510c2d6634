"""The places of files: those shipped with the code, and those that this machine keeps."""

import os
import stat
from pathlib import Path

PACKAGE = Path(__file__).parent
REPOSITORY = PACKAGE.parent
HOME_VARIABLE = "DRUGSYNC_HOME"
STAGE_VARIABLE = "DRUGSYNC_STAGE"
MYSQL_VARIABLE = "DRUGSYNC_MYSQL_SERVER"
REDIS_VARIABLE = "DRUGSYNC_REDIS_SERVER"
NO_SETTINGS = frozenset({HOME_VARIABLE, STAGE_VARIABLE, MYSQL_VARIABLE, REDIS_VARIABLE})
"""Variables of the command line. The functions, which refuse unknown settings, never see them."""


CLOSED = 0o700


def is_there(path: Path) -> bool:
    """Raises PermissionError if access is denied, where `Path.exists` says False since Python
    3.14."""
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    return True


def private(folder: Path) -> Path:
    """The folder, made with all that is missing above it so that nobody else may look inside.

    One that is there stays as it is: it may be a home that someone chose, `/tmp` for one.
    """
    for one in (*reversed(folder.parents), folder):
        if not is_there(one):
            one.mkdir(mode=CLOSED, exist_ok=True)
    return folder


def closed(folder: Path) -> Path:
    """A folder of our own name, closed to others even where it was there and open."""
    if stat.S_IMODE(private(folder).stat().st_mode) & 0o077:
        folder.chmod(CLOSED)
    return folder


def own_only(path: str, flags: int) -> int:
    """An `opener` of files that nobody else may read, whatever becomes of their folder."""
    return os.open(path, flags, 0o600)


def shipped(name: str) -> Path:
    """A file or folder that stands next to the packages in the repository, and inside the wheel."""
    packaged = PACKAGE / "shipped" / name
    return packaged if packaged.exists() else REPOSITORY / name


def home() -> Path:
    """Data, logs and runs: $DRUGSYNC_HOME, or `.local/` of the repository that this code runs from.

    An installed wheel has no repository, so it uses the user's data folder, wherever a command is
    called.
    """
    given = os.environ.get(HOME_VARIABLE)
    if given:
        return Path(given).expanduser()
    if (REPOSITORY / "pyproject.toml").exists():
        return REPOSITORY / ".local"
    data = os.environ.get("XDG_DATA_HOME") or "~/.local/share"
    return Path(data).expanduser() / "drug-catalog-sync"


def demo_home() -> Path:
    """The demonstration's own home, because it replaces a catalog and an index."""
    return home() / "demo"
