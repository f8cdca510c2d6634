"""The users of the created Redis server, and what each may do. The host makes them from this list.

Whoever takes over a function can do with Redis what its user may do, and no more.
"""

from typing import NamedTuple

from infra.search.search_rights import SEARCH_RIGHTS, SEARCH_USER

KEYS = "~drug:* ~drugs:* ~drugs ~text:* ~texts:* ~texts ~staged:* ~undo:*"
"""Of the workflow. `drugs` and `texts` are aliases, which the query engine takes for keys."""

READING = "+@read +@connection -@dangerous +info +ft.info +ft._list +ft.search +ft.aggregate"
RUNNING = (
    "+@read +@write +@connection +@transaction +@scripting -@dangerous +info +config|get +time "
    "+ft._list +ft.info +ft.search +ft.aggregate +ft.spellcheck "
    "+ft.create +ft.dropindex +ft.aliasupdate"
)


class RedisUser(NamedTuple):
    """`secret` is the construct id of the secret with its name and password."""

    name: str
    secret: str
    purpose: str
    rights: str
    """As `ACL SETUSER` takes them, behind `-@all`."""
    may: tuple[str, ...]
    may_not: tuple[str, ...]
    """The host asks `ACL DRYRUN` for each of both before it calls itself ready."""


RUNS = RedisUser(
    name="drugsync_runs",
    secret="Password",  # noqa: S106 - a construct id
    purpose="the workflow, which writes the search index",
    rights=f"{KEYS} {RUNNING}",
    may=("HSET drugs:live x x", "FT._LIST", "FT.ALIASUPDATE drugs drugs:x", "RENAME drug:a undo:a"),
    may_not=("FLUSHALL", "ACL LIST", "CONFIG SET maxmemory 1", "HSET other:1 x x"),
)
READS = RedisUser(
    name="drugsync_reads",
    secret="ReadPassword",  # noqa: S106 - a construct id
    purpose="functions that compare the search index and write nothing to it",
    rights=f"{KEYS} {READING}",
    may=("HGETALL drug:x:1", "ZRANGEBYLEX drugs:keys:x - +", "FT.INFO drugs:x"),
    may_not=("HSET drugs:live x x", "DEL drug:x:1", "EVAL x 0", "ACL LIST", "FT.DROPINDEX drugs:x"),
)
SEARCHES = RedisUser(
    name=SEARCH_USER,
    secret="SearchPassword",  # noqa: S106 - a construct id
    purpose="searches, which may only read",
    rights=SEARCH_RIGHTS.replace(" -@all", ""),
    may=("FT.SEARCH drugs:x x", "HGETALL drug:x:1"),
    may_not=("HSET drugs:live x x", "FT.DROPINDEX drugs:x", "INFO", "ACL LIST"),
)
USERS = (RUNS, READS, SEARCHES)


def probes(users: tuple[RedisUser, ...] = USERS) -> str:
    """What the host asks of its server: USER may|may-not COMMAND, one a line."""
    lines = [f"{user.name} may {command}" for user in users for command in user.may]
    lines += [f"{user.name} may-not {command}" for user in users for command in user.may_not]
    return "\n".join(lines)
