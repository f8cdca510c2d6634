"""The run bucket."""

from typing import Protocol


class RunStore(Protocol):
    """Objects of runs. Errors: `errors.RunStoreError`."""

    bucket: str

    def write(self, key: str, body: bytes) -> None: ...

    def read(self, key: str) -> bytes:
        """Raises RunFileMissing."""
        ...

    def keys(self, prefix: str) -> list[str]: ...
