"""Keys in the order in which Redis has them."""

from __future__ import annotations

from collections.abc import Iterable


def between(keys: Iterable[str], after: str | None, through: str | None) -> list[str]:
    """The keys of `(after, through]`, in the order of their UTF-8 bytes."""
    return [
        key
        for key in sorted(keys, key=str.encode)
        if (after is None or key.encode() > after.encode())
        and (through is None or key.encode() <= through.encode())
    ]
