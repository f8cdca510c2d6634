"""What the Redis user of searches may do. Whoever else needs the rules takes them from here.

Reading is all that the commands allow. The key patterns keep the user from what else is on the
server. `~` and not `%R~`: the query engine takes an index's name for a key that is written, and
refused FT.SEARCH to a user with `%R~` (measured with its versions 2.10 and Redis 8.2).
"""

SEARCH_USER = "drugsync_search"

SEARCH_KEYS = "~drug:* ~drugs:* ~text:* ~texts:*"
SEARCH_COMMANDS = (
    "+ft.search +ft.aggregate +ft.spellcheck +ft.tagvals +hgetall +hmget +zcard +zrangebylex "
    "+hello +auth +select +client|setinfo"
)
SEARCH_RIGHTS = f"{SEARCH_KEYS} -@all {SEARCH_COMMANDS}"
"""As `ACL SETUSER` and the `user` line of a configuration take it."""
