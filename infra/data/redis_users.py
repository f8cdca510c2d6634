"""The users of the created Redis server: the host makes them from this list.

Whoever takes over a function can do with Redis what its user may do, and no more.
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
    """The host asks `ACL DRYRUN` for each of both before it calls itself ready."""

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
    """What the host makes its users of, NAME SECRET RIGHTS, one a line; secrets by name."""
    return "\n".join(f"{one.name} {secrets[one.name]} {one.rights.rules}" for one in USERS)


def probes() -> str:
    """What the host asks of its server: USER may|may-not COMMAND, one a line."""
    lines = [f"{user.name} may {command}" for user in USERS for command in user.may]
    lines += [f"{user.name} may-not {command}" for user in USERS for command in user.may_not]
    return "\n".join(lines)
