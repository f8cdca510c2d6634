"""The places of files: those shipped with the code, and those that this machine keeps."""

import os
from pathlib import Path

PACKAGE = Path(__file__).parent
REPOSITORY = PACKAGE.parent
HOME_VARIABLE = "DRUGSYNC_HOME"
STAGE_VARIABLE = "DRUGSYNC_STAGE"
MYSQL_VARIABLE = "DRUGSYNC_MYSQL_SERVER"
REDIS_VARIABLE = "DRUGSYNC_REDIS_SERVER"
NO_SETTINGS = frozenset({HOME_VARIABLE, STAGE_VARIABLE, MYSQL_VARIABLE, REDIS_VARIABLE})
"""Variables of the command line. The functions, which refuse unknown settings, never see them."""


def is_there(path: Path) -> bool:
    """Raises PermissionError if access is denied, where `Path.exists` says False since Python
    3.14."""
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    return True


def shipped(name: str) -> Path:
    """A file or folder that stands beside the packages in the repository, and inside the wheel."""
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
