"""Tokens per minute, shared by all functions through Redis.

A reservation (GCRA, the generic cell rate algorithm of ATM Forum TM 4.0): each caller is told when
its turn is and sleeps once, instead of asking again and again as with a yes-or-no limiter.
"""

from redis import Redis

from workflow.adapters.redis.client import translated

BURST_S = 1.0
"""An idle quota may be used this far ahead at once."""

BLOCK_S = 0.1
"""Seconds of the quota to reserve at once: few calls if it is large, little held if it is small."""

RESERVE = """
local time = redis.call('TIME')
local now = tonumber(time[1]) + tonumber(time[2]) / 1e6
local turn = math.max(tonumber(redis.call('GET', KEYS[1]) or '0'), now - tonumber(ARGV[2]))
local after = turn + tonumber(ARGV[1])
local kept = math.max(1, math.ceil(after - now)) + 60
redis.call('SET', KEYS[1], string.format('%.6f', after), 'EX', kept)
return string.format('%.6f', math.max(0, turn - now))
"""


class RedisQuota:
    """One quota, under one key: all callers that use the key share it."""

    def __init__(self, client: "Redis", model: str, tokens_per_minute: int) -> None:
        self._script = client.register_script(RESERVE)
        self._key = f"drugs:quota:{model}:turn"
        self._seconds_per_token = 60 / tokens_per_minute
        self.block = int(BLOCK_S / self._seconds_per_token)

    def reserve(self, tokens: int) -> float:
        """The seconds until these tokens may be sent."""
        with translated():
            wait = self._script(keys=[self._key], args=[tokens * self._seconds_per_token, BURST_S])
        return float(wait)
