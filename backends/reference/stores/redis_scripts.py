"""What the store in Redis asks of its server: scripts, each carried out whole or not at all.

They decide nothing: they compare a version and set, or read a range. ``KEYS`` and ``ARGV`` are
what :mod:`.redis` gives them; no script knows the store's name.
"""

from __future__ import annotations

# Put a record in place of the version that is expected ('': none), or say what is there.
PUT = """
local job, counter, place, group, keys, queues, priorities = unpack(KEYS)
local expected, version, write, body, id, due, enqueued_at, queue, priority, channel,
      completes, key, ended_at = unpack(ARGV)
local held = redis.call('HMGET', job, 'version', 'write', 'member', 'place', 'group')
if (held[1] or '') ~= expected then return {0, held[1] or '-1', held[2] or ''} end
local member = held[3]
if member then
    redis.call('ZREM', held[4], member)
    redis.call('ZREM', held[5], member)
else
    member = string.format('%016d', redis.call('INCR', counter)) .. ':' .. id
    redis.call('SADD', queues, queue)
    redis.call('ZADD', priorities, priority, priority)
end
redis.call('HSET', job, 'version', version, 'write', write, 'body', body, 'member', member,
           'place', place, 'group', group)
redis.call('ZADD', place, due, member)
redis.call('ZADD', group, enqueued_at, member)
if completes == '1' then redis.call('ZADD', keys, ended_at, key) end
if channel ~= '' then redis.call('PUBLISH', channel, due) end
return {1, version, write}
"""
# The first due record of each queue: of its highest priority that has one.
NEXT = """
local prefix, now, found = KEYS[1], ARGV[1], {}
for i = 2, #ARGV do
    for _, priority in ipairs(redis.call('ZREVRANGE', prefix .. 'priorities:' .. ARGV[i], 0, -1)) do
        local place = prefix .. 'ready:' .. priority .. ':' .. ARGV[i]
        local member = redis.call('ZRANGEBYSCORE', place, '-inf', now, 'LIMIT', 0, 1)[1]
        if member then
            table.insert(found, member)
            table.insert(found, redis.call('HGET', prefix .. 'job:' .. member:sub(18), 'body'))
            break
        end
    end
end
return found
"""
# The records of one set up to a time, in its order.
RANGE = """
local prefix, found = KEYS[1], {}
for _, member in ipairs(redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', ARGV[1])) do
    table.insert(found, member)
    table.insert(found, redis.call('HGET', prefix .. 'job:' .. member:sub(18), 'body'))
end
return found
"""
# The earliest time in the sets of leases and of ready jobs.
SOONEST = """
local prefix, soonest = KEYS[1], {redis.call('ZRANGE', KEYS[2], 0, 0, 'WITHSCORES')[2]}
for i = 1, #ARGV do
    for _, priority in ipairs(redis.call('ZRANGE', prefix .. 'priorities:' .. ARGV[i], 0, -1)) do
        local place = prefix .. 'ready:' .. priority .. ':' .. ARGV[i]
        table.insert(soonest, redis.call('ZRANGE', place, 0, 0, 'WITHSCORES')[2])
    end
end
return soonest
"""
# When a job last came, and when one last ended.
LATEST = """
local prefix, latest = KEYS[1], {}
for _, place in ipairs({'done', 'dead'}) do
    table.insert(latest, redis.call('ZREVRANGE', prefix .. place, 0, 0, 'WITHSCORES')[2])
end
for _, queue in ipairs(redis.call('SMEMBERS', prefix .. 'queues')) do
    for i = 1, #ARGV do
        local group = prefix .. 'group:' .. ARGV[i] .. ':' .. queue
        table.insert(latest, redis.call('ZREVRANGE', group, 0, 0, 'WITHSCORES')[2])
    end
end
return latest
"""
# What each queue has in each state, since when; of ready jobs also what is due, since when.
DEPTHS = """
local prefix, now, found = KEYS[1], ARGV[1], {}
for _, queue in ipairs(redis.call('SMEMBERS', prefix .. 'queues')) do
    for i = 2, #ARGV do
        local group, waiting, since = prefix .. 'group:' .. ARGV[i] .. ':' .. queue, 0, now
        local first = redis.call('ZRANGE', group, 0, 0, 'WITHSCORES')[2]
        local priorities = {}
        if first and ARGV[i] == 'ready' then
            priorities = redis.call('ZRANGE', prefix .. 'priorities:' .. queue, 0, -1)
        end
        for _, priority in ipairs(priorities) do
            local place = prefix .. 'ready:' .. priority .. ':' .. queue
            local due = redis.call('ZRANGE', place, 0, 0, 'WITHSCORES')[2]
            if due and tonumber(due) < tonumber(since) then since = due end
            waiting = waiting + redis.call('ZCOUNT', place, '-inf', now)
        end
        if first then
            local held = redis.call('ZCARD', group)
            table.insert(found, {queue, ARGV[i], held, first, waiting, since})
        end
    end
end
return found
"""
