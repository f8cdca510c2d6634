"""Managed engines that lack what the workflow asks of Redis, known by the names of their hosts."""

import re
from typing import Final

REFUSED: Final = {
    r"\.cache\.amazonaws\.com(\.cn)?$": (
        "is ElastiCache: it has neither FT.SPELLCHECK nor aliases, and misreads some queries "
        "without an error"
    ),
    r"\.memorydb\.[a-z0-9-]+\.amazonaws\.com(\.cn)?$": (
        "is MemoryDB: it has ten indexes at most and no FT.SPELLCHECK"
    ),
}
"""Pattern of a host's name, and why. A database number is refused with the URL that has one."""


def refused_engine(host: str) -> str:
    """Why a server is refused, and what to do; empty if it is not."""
    for pattern, reason in REFUSED.items():
        if re.search(pattern, host.lower()):
            return (
                f"{host!r} {reason}; use Redis 8 on EC2 ([redis.create]), Redis Cloud or Redis "
                "Enterprise with one shard"
            )
    return ""
