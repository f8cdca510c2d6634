"""What Redis does in one piece: Lua scripts. They are sent whole each time (EVAL)."""

from typing import Final

TAKE_FENCE: Final = """#!lua flags=allow-oom
local held = redis.call('GET', KEYS[1]) or ''
local started = string.match(held, '^(%d+) ') or ''
if #started == 14 and started > string.sub(ARGV[1], 1, 14) then
  return {'no', held, redis.call('TIME')[1]}
end
redis.call('SET', KEYS[1], ARGV[1])
return {'yes', held, ''}
"""
"""The fence only moves forward in time; a refusal comes with the time that it is. It moves even if
memory is full, because the new run is what frees it."""

FINISH: Final = """#!lua flags=allow-oom
local held = redis.call('GET', KEYS[1]) or ''
if held == ARGV[1] then redis.call('HSET', KEYS[2], 'finished', ARGV[1]) end
return held
"""
"""Works even if memory is full: a run that has published must not fail over a note."""

SWAP: Final = """#!lua flags=allow-oom
local held = redis.call('GET', KEYS[1])
if held ~= ARGV[1] then return {'fence', held or ''} end
if redis.call('HGET', KEYS[2], 'switch') == ARGV[9] then return {'done', ''} end
local live, incoming, outgoing, keyset, swapped = ARGV[2], ARGV[3], ARGV[4], ARGV[5], ARGV[6]
local keys, after = cjson.decode(ARGV[7]), cjson.decode(ARGV[8])
for _, one in ipairs(keys) do
  if (redis.call('EXISTS', incoming .. one[1]) == 1) ~= one[2] then return {'missing', one[1]} end
end
local any = keys[1] and keys[1][1] or ''
local all = {
  {'RENAME', live .. any, 'drugs:swap'}, {'RENAME', incoming .. any, live .. any},
  {'RENAME', 'drugs:swap', outgoing .. any},
  {'ZADD', keyset, 0, any}, {'ZREM', keyset, any}, {'ZADD', swapped, 0, any}, unpack(after),
}
local looks = {ZADD = {'ZCARD'}, HSET = {'HGET', ''}}
looks.SADD, looks.SREM = {'SMISMEMBER', ''}, {'SMISMEMBER', ''}
for _, command in ipairs(all) do
  if not redis.acl_check_cmd(unpack(command)) then
    local words = table.concat(command, ' ', 1, 3)
    return redis.error_reply('NOPERM the user may not ' .. words)
  end
  local look = looks[command[1]]
  local found = look and redis.pcall(look[1], command[2], unpack(look, 2))
  if type(found) == 'table' and found.err then return found end
end
for _, one in ipairs(keys) do
  local key, comes = one[1], one[2]
  local goes = redis.call('EXISTS', live .. key) == 1
  if goes then redis.call('RENAME', live .. key, 'drugs:swap') end
  if comes then redis.call('RENAME', incoming .. key, live .. key) end
  if goes then redis.call('RENAME', 'drugs:swap', outgoing .. key) end
  if comes then redis.call('ZADD', keyset, 0, key) else redis.call('ZREM', keyset, key) end
  if goes or comes then
    redis.call('ZADD', swapped, (goes and comes and 0) or (comes and 1) or 2, key)
  end
end
for _, command in ipairs(after) do redis.call(unpack(command)) end
return {'done', ''}
"""
"""Exchange documents, all or none: a script is not interrupted, and checks everything before it
renames the first.

A script that fails half-way is not undone. So it first checks that each document is there, that the
user may do each command, and that each key holds what the command is for.

A client that lost the answer sends it again; a switch of this name is made only once.

Each key comes with whether a document comes in. What happened to it is its score in `swapped`:
CHANGED, ADDED or REMOVED. Renaming works even if memory is full; 20,000 take a fifth of a second.
"""

CHANGED, ADDED, REMOVED = 0, 1, 2
