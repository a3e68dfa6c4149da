-- Lease up to ARGV[1] messages, or about ARGV[3] bytes of them, for ARGV[2] ms: those that come again first.
-- Gives the milliseconds until more is due, the token, and for each message its number, body, failed and crashed runs.
--
-- What is new is moved many at a time: each call of a command costs more than the message that it moves.

local limit, lease, bytes = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local until_when = now + lease
local token
local taken = {}

local function is_enough()
    return limit <= 0 or bytes <= 0
end

local function note(number, body, failures, crashes)
    table.insert(taken, {number, body, failures, crashes})
    limit = limit - 1
    bytes = bytes - #body
end

local function again()
    local number = redis.call('ZPOPMIN', ready)[1]
    if number then
        token = token or redis.call('HINCRBY', counters, 'token', 1)
        redis.call('ZADD', leased, until_when, number)
        redis.call('HSET', tokens, number, token)
        note(
            number, redis.call('HGET', bodies, number) or '',
            tonumber(redis.call('HGET', failed, number) or 0), tonumber(redis.call('HGET', crashed, number) or 0)
        )
    end
    return number
end

-- Takes up to so many from the list; whether there may be more.
local function fresh(count)
    local found = redis.call('LRANGE', list, 0, math.min(count, limit) - 1)
    local number, size, total = nil, 0, 0
    while size < #found and total < bytes do
        size = size + 1
        total = total + #found[size]
    end
    if size == 0 then
        return false
    end
    redis.call('LTRIM', list, size, -1)
    token = token or redis.call('HINCRBY', counters, 'token', 1)
    number = redis.call('HINCRBY', counters, 'message', size) - size
    local kept, held, leases = {}, {}, {}
    for index = 1, size do
        number = number + 1
        local name = string.format('%.0f', number)
        table.insert(kept, name)
        table.insert(kept, found[index])
        table.insert(held, name)
        table.insert(held, token)
        table.insert(leases, until_when)
        table.insert(leases, name)
        note(number, found[index], 0, 0)
    end
    redis.call('HSET', bodies, unpack(kept))
    redis.call('ZADD', leased, unpack(leases))
    redis.call('HSET', tokens, unpack(held))
    return size == #found
end

promote()
while not is_enough() and again() do end
local step = 16
while not is_enough() and fresh(step) do
    step = math.min(2 * step, 512)
end
ring()
return {due(), token or 0, taken}
