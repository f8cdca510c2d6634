"""Redis versions without known faults that let an attacker run code: one a branch, one list.

Planning, doctor, the stage file, the created host and the documents read it here. A branch gets its
own fix, so versions of two branches cannot be compared: 8.4.0 is older in this than 8.2.9.
"""

import re
from typing import Final, NamedTuple


class Advisory(NamedTuple):
    """What one round of fixes was about."""

    names: tuple[str, ...]
    about: str
    fixed_in: tuple[str, ...]
    """One version of each branch that got the fix."""
    source: str
    """Where the versions are from."""


ADVISORIES: Final = (
    Advisory(
        ("CVE-2026-81934",),
        "with TLS on, a client without a password may run code (use after free in "
        "`tlsProcessPendingData`)",
        ("8.2.9", "8.4.6", "8.6.6", "8.8.2", "8.10.1"),
        "the CVE record, and CISA's VA-26-239-01 of 27 August 2026",
    ),
    Advisory(
        ("CVE-2026-23479", "CVE-2026-25243", "CVE-2026-23631"),
        "a client with a password may run code (unblocked clients, `RESTORE`, Lua)",
        ("8.2.6", "8.4.3", "8.6.3"),
        "Redis' release notes of 5 May 2026",
    ),
)
"""The newest first. `drugsync` needs Redis 8 with its query engine, so older branches are not
listed."""

OLDEST_SAFE: Final = ADVISORIES[0].fixed_in
"""Of each branch, the oldest that is free of all of them. Later branches began after the fixes."""


def refusal_of(version: str) -> str:
    """Why a version is refused, and what to do; empty if it is not, or names no number."""
    numbers = _numbers(version)
    if not numbers:
        return ""
    fixed = {_numbers(one)[:2]: _numbers(one) for one in OLDEST_SAFE}
    if numbers >= fixed.get(numbers[:2], max(fixed.values())):
        return ""
    return (
        f"Redis {version} lets an attacker run code ({', '.join(_open_in(numbers))}); "
        f"use {shown(OLDEST_SAFE)} or a newer one of its branch"
    )


def shown(versions: tuple[str, ...]) -> str:
    """`8.2.9, 8.4.6 or 8.6.6`."""
    return f"{', '.join(versions[:-1])} or {versions[-1]}"


def _numbers(version: str) -> tuple[int, ...]:
    found = re.match(r"(\d{1,9})\.(\d{1,9})(?:\.(\d{1,9}))?", version)
    return tuple(int(part or 0) for part in found.groups()) if found else ()


def _open_in(numbers: tuple[int, ...]) -> list[str]:
    """The advisories whose fix a version is older than, in its branch or altogether."""
    found: list[str] = []
    for advisory in ADVISORIES:
        fixed = [_numbers(one) for one in advisory.fixed_in]
        needed = next((one for one in fixed if one[:2] == numbers[:2]), max(fixed))
        if numbers < needed:
            found += advisory.names
    return found
