"""Redis versions with faults that let an attacker run code. Stage, host and doctor ask here."""

from typing import Final

OLDEST_SAFE: Final = "8.2.6"
ADVISORIES: Final = ("CVE-2026-23479", "CVE-2026-25243", "CVE-2026-23631")
"""Fixed in `OLDEST_SAFE`."""


def refusal_of(version: str) -> str:
    """Why a version is refused, and what to do; empty if it is not, or names no number."""
    numbers = tuple(int(part) for part in version.split(".") if part.isdigit())
    oldest = tuple(map(int, OLDEST_SAFE.split(".")))
    if not numbers or numbers >= oldest:
        return ""
    return (
        f"Redis {version} lets an attacker run code ({', '.join(ADVISORIES)}); "
        f"use {OLDEST_SAFE} or newer"
    )
