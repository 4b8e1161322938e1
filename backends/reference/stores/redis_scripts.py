"""What the store in Redis asks of its server: scripts, each carried out whole or not at all.

They decide nothing: they compare a version and set, or read a range. ``KEYS`` and ``ARGV`` are
what :mod:`.redis` gives them; no script knows the store's name.
"""

from __future__ import annotations

# Put a record in place of the version that is expected ('': none), or say what is there. A new job
# without a delay is due no sooner than the one that came before it, though the clock of whoever
# enqueues it may be a little behind: see CLOCKS_DIFFER_S.
PUT = """
local job, counter, place, group, keys, queues, priorities, latest = unpack(KEYS)
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
    if due == enqueued_at then
        local line = priority .. ':' .. queue
        local before = redis.call('HGET', latest, line)
        local ahead = tonumber(before or due) - tonumber(due)
        if ahead > 0 and ahead <= 1 then due = before else redis.call('HSET', latest, line, due) end
    end
end
redis.call('HSET', job, 'version', version, 'write', write, 'body', body, 'member', member,
           'place', place, 'group', group)
redis.call('ZADD', place, due, member)
redis.call('ZADD', group, enqueued_at, member)
if completes == '1' then redis.call('ZADD', keys, ended_at, key) end
if channel ~= '' then redis.call('PUBLISH', channel, due) end
return {1, version, write}
"""
# Ended leases; then the first due records of each queue, no more and no larger than is wanted.
LOOK = """
local prefix, now, most, bytes = KEYS[1], ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local expired, found = {}, {}
local function body(member)
    return redis.call('HGET', prefix .. 'job:' .. member:sub(18), 'body')
end
for _, member in ipairs(redis.call('ZRANGEBYSCORE', prefix .. 'leased', '-inf', now)) do
    table.insert(expired, member)
    table.insert(expired, body(member))
end
for i = 4, #ARGV do
    local left, room = most, bytes
    local priorities = prefix .. 'priorities:' .. ARGV[i]
    for _, priority in ipairs(redis.call('ZREVRANGE', priorities, 0, -1)) do
        local place = prefix .. 'ready:' .. priority .. ':' .. ARGV[i]
        local due = redis.call('ZRANGEBYSCORE', place, '-inf', now, 'WITHSCORES', 'LIMIT', 0, left)
        for at = 1, #due, 2 do
            local record = body(due[at])
            room = room - #record
            if left < most and room < 0 then left = 0 break end
            table.insert(found, due[at])
            table.insert(found, record)
            table.insert(found, due[at + 1])
            left = left - 1
        end
        if left == 0 then break end
    end
end
return {expired, found}
"""
# Carry out the first proposal that still fits, unless a record that nobody proposed comes before
# it. One that is there already was carried out when this very claim was sent before.
CLAIM = """
local prefix, now, packed, width = KEYS[1], ARGV[1], ARGV[2], tonumber(ARGV[3])
local proposals, queues = cmsgpack.unpack(packed), 4 + 2 * width
for i = 1, width do
    if redis.call('HGET', prefix .. 'job:' .. proposals[i][1], 'write') == ARGV[3 + i] then
        return {i - 1, {}, ARGV[3 + i]}
    end
end
local function ahead(limit, priority, due, member)
    local found = 0
    for i = queues, #ARGV do
        local priorities = prefix .. 'priorities:' .. ARGV[i]
        for _, other in ipairs(redis.call('ZREVRANGE', priorities, 0, -1)) do
            local place = prefix .. 'ready:' .. other .. ':' .. ARGV[i]
            if tonumber(other) > priority then
                found = found + redis.call('ZCOUNT', place, '-inf', now)
            elseif tonumber(other) == priority then
                found = found + redis.call('ZCOUNT', place, '-inf', '(' .. due)
                local ties = redis.call('ZRANGEBYSCORE', place, due, due, 'LIMIT', 0, limit + 1)
                for _, tie in ipairs(ties) do
                    if tie:sub(1, 16) < member:sub(1, 16) then found = found + 1 end
                end
            end
            if found > limit then return found end
        end
    end
    return found
end
local duplicates = {}
for i = 1, width do
    local id, expected, version, due, key = unpack(proposals[i])
    local job, write, body = prefix .. 'job:' .. id, ARGV[3 + i], ARGV[3 + width + i]
    local held = redis.call('HMGET', job, 'version', 'member', 'place', 'group')
    if held[1] == expected then
        local place, member, group = held[3], held[2], held[4]
        if key ~= '' and redis.call('ZSCORE', prefix .. 'keys', key:sub(2)) then
            table.insert(duplicates, i - 1)
        else
            local priority, queue = place:sub(#prefix + 1):match('^ready:(-?%d+):(.*)$')
            local at = redis.call('ZSCORE', place, member)
            if ahead(#duplicates, tonumber(priority), at, member) > #duplicates then break end
            redis.call('ZREM', place, member)
            redis.call('ZADD', prefix .. 'leased', due, member)
            local since = redis.call('ZSCORE', group, member)
            redis.call('ZREM', group, member)
            group = prefix .. 'group:leased:' .. queue
            redis.call('ZADD', group, since, member)
            redis.call('HSET', job, 'version', version, 'write', write, 'body', body,
                       'place', prefix .. 'leased', 'group', group)
            redis.call('PUBLISH', prefix .. 'changed:' .. queue, due)
            return {i - 1, duplicates, write}
        end
    end
end
return {-1, duplicates, ''}
"""
# The first due record of each queue: of its highest priority that has one.
NEXT = """
local prefix, now, found = KEYS[1], ARGV[1], {}
for i = 2, #ARGV do
    for _, priority in ipairs(redis.call('ZREVRANGE', prefix .. 'priorities:' .. ARGV[i], 0, -1)) do
        local place = prefix .. 'ready:' .. priority .. ':' .. ARGV[i]
        local first = redis.call('ZRANGEBYSCORE', place, '-inf', now, 'WITHSCORES', 'LIMIT', 0, 1)
        if first[1] then
            table.insert(found, first[1])
            table.insert(found, redis.call('HGET', prefix .. 'job:' .. first[1]:sub(18), 'body'))
            table.insert(found, first[2])
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
