"""The runs' files of this machine, kept as the run bucket's keys below one folder."""

import os
import threading
from pathlib import Path

from local.places import own_only, private
from local.servers.stack import BUCKET
from workflow.contract.errors import RunFileMissing, RunStoreUnavailable


class FolderRunStore:
    """A RunStore whose keys are paths below `root`."""

    bucket = BUCKET

    def __init__(self, root: Path) -> None:
        self._root = root

    def write(self, key: str, body: bytes) -> None:
        """Writes the whole file or nothing: the process may be killed, and others read
        meanwhile."""
        path = self._root / key
        draft = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_ident()}")
        try:
            if not path.parent.exists():
                private(path.parent)
            with open(draft, "wb", opener=own_only) as file:
                file.write(body)
            draft.replace(path)
        except OSError as error:
            draft.unlink(missing_ok=True)
            raise RunStoreUnavailable(
                f"{path} cannot be written: {error.strerror}; make room, or check owner and mode"
            ) from error

    def read(self, key: str) -> bytes:
        """Raises RunFileMissing."""
        try:
            return (self._root / key).read_bytes()
        except (FileNotFoundError, NotADirectoryError) as error:
            raise RunFileMissing(f"{self._root / key} is not there") from error

    def keys(self, prefix: str) -> list[str]:
        folder = self._root / prefix
        found = (path for path in folder.rglob("[!.]*") if path.is_file())
        return sorted(path.relative_to(self._root).as_posix() for path in found)
