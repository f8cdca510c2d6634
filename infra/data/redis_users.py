"""The users of the created Redis server.

The host makes them from this list. Whoever takes over a function can do in Redis only what its user
may do.
"""

from typing import NamedTuple

from workflow.contract.rights import READS, RUNS, SEARCHES, Rights


class RedisUser(NamedTuple):
    """`secret` is the construct id of the secret with its name and password."""

    rights: Rights
    secret: str
    purpose: str
    may: tuple[str, ...]
    may_not: tuple[str, ...]
    """The host tries each of both with `ACL DRYRUN` before it calls itself ready."""

    @property
    def name(self) -> str:
        return self.rights.user


USERS = (
    RedisUser(
        rights=RUNS,
        secret="RunsPassword",  # noqa: S106 - a construct id
        purpose="the workflow, which writes the search index",
        may=(
            "HSET drugs:live x x",
            "FT._LIST",
            "FT.ALIASUPDATE drugs drugs:x",
            "RENAME drug:a undo:a",
        ),
        may_not=("FLUSHALL", "ACL LIST", "CONFIG SET maxmemory 1", "HSET other:1 x x"),
    ),
    RedisUser(
        rights=READS,
        secret="ReadsPassword",  # noqa: S106 - a construct id
        purpose="functions that compare the search index and write nothing to it",
        may=("HGETALL drug:x:1", "ZRANGEBYLEX drugs:keys:x - +"),
        may_not=(
            "HSET drugs:live x x",
            "DEL drug:x:1",
            "EVAL x 0",
            "ACL LIST",
            "FT.DROPINDEX drugs:x",
        ),
    ),
    RedisUser(
        rights=SEARCHES,
        secret="SearchesPassword",  # noqa: S106 - a construct id
        purpose="searches, which may only read",
        may=("FT.SEARCH drugs:x x", "HGETALL drug:x:1"),
        may_not=("HSET drugs:live x x", "FT.DROPINDEX drugs:x", "INFO", "ACL LIST"),
    ),
)


def lines_of(secrets: dict[str, str]) -> str:
    """The list of users for the host, one per line: NAME SECRET RIGHTS; secrets by name."""
    return "\n".join(f"{one.name} {secrets[one.name]} {one.rights.rules}" for one in USERS)


def probes() -> str:
    """The probes for the host, one per line: USER may|may-not COMMAND."""
    lines = [f"{user.name} may {command}" for user in USERS for command in user.may]
    lines += [f"{user.name} may-not {command}" for user in USERS for command in user.may_not]
    return "\n".join(lines)
