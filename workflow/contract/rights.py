"""What each Redis user may do: one list for the host, the docs, the doctor and the tests.

The keys are `~` and not `%R~`, because the query engine treats an index's name as a key that is
written, and refuses FT.SEARCH to a user with `%R~` (measured: versions 2.10 and Redis 8.2). The
commands decide what a user may write.
"""

from typing import Final, NamedTuple


class Rights(NamedTuple):
    """One user. `commands` are as ACL names them: `client|setinfo` is a subcommand.

    Of a command that has others below it, one is named and never the whole: `ft.config` would let
    its holder set what a query costs.
    """

    user: str
    functions: tuple[str, ...]
    keys: tuple[str, ...]
    commands: tuple[str, ...]

    @property
    def rules(self) -> str:
        """As `ACL SETUSER` and the `user` line of a configuration take it, without a password."""
        keys = " ".join(f"~{one}" for one in self.keys)
        return f"{keys} -@all {' '.join(f'+{one}' for one in self.commands)}"


CONNECTION: Final = ("hello", "auth", "client|setinfo")
LIVE: Final = ("drug:*", "drugs:*", "text:*", "texts:*", "drugs", "texts")
"""Documents, text records, key sets; the FT indexes and their aliases, which count as keys."""

SEARCHES: Final = Rights(
    user="drugsync_search",
    functions=("SearchApi",),
    keys=LIVE,
    commands=(
        *("ft.search", "ft.aggregate", "ft.spellcheck", "ft.tagvals"),
        *("hgetall", "hmget", "zcard", "zrangebylex"),
        *CONNECTION,
    ),
)
READS: Final = Rights(
    user="drugsync_read",
    functions=("DiffPage", "VerifyPage"),
    keys=(*LIVE, "staged:*"),
    commands=(
        *("hget", "hgetall", "hmget", "zrangebylex", "smismember", "ft.search", "ft.info"),
        *CONNECTION,
    ),
)
RUNS: Final = Rights(
    user="drugsync_run",
    functions=(
        *("PlanPages", "EmbedPage", "LoadPage", "VerifyIndex", "PublishIndex", "PruneIndex"),
        "OperateIndex",
    ),
    keys=(*LIVE, "staged:*", "undo:*"),
    commands=(
        *("get", "set", "del", "unlink", "exists", "rename", "scan"),
        *("hget", "hgetall", "hmget", "hset"),
        *("zadd", "zrem", "zcard", "zrange", "zrangebylex"),
        *("sadd", "srem", "smembers", "smismember"),
        *("watch", "unwatch", "multi", "exec", "discard"),
        *("eval", "evalsha", "script|load", "time"),
        *("info", "command|info", "acl|whoami", "acl|dryrun"),
        *("ft.create", "ft.dropindex", "ft._list", "ft.info", "ft.config|get"),
        *("ft.search", "ft.aggregate", "ft.spellcheck", "ft.tagvals", "ft.aliasupdate"),
        *CONNECTION,
    ),
)
EVERY: Final = (READS, RUNS, SEARCHES)
