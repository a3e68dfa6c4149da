-- Lease up to ARGV[1] messages, or about ARGV[3] bytes of them, for ARGV[2] ms: those that come again first.
-- Gives the milliseconds until more is due, the token, those that come again, each as its number, body, failed and
-- crashed runs, the number of the first new one, and the bodies of all new ones.
--
-- What is new is moved many at a time: each call of a command costs more than the message that it moves.

local limit, lease, bytes = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local token

local function is_enough()
    return limit <= 0 or bytes <= 0
end

local function keep(count, size, ...)
    if not token then
        token = redis.call('HINCRBY', counters, 'token', 1)
        redis.call('ZADD', leased, now + lease, token)
    end
    redis.call('HSET', held .. token, ...)
    limit = limit - count
    bytes = bytes - size
end

local again = {}
local function come_again()
    local number = redis.call('ZPOPMIN', ready)[1]
    if number then
        local body = redis.call('HGET', bodies, number) or ''
        redis.call('HDEL', bodies, number)
        keep(1, #body, number, body)
        table.insert(again, {
            number, body, tonumber(redis.call('HGET', failed, number) or 0),
            tonumber(redis.call('HGET', crashed, number) or 0)
        })
    end
    return number
end

-- Takes up to so many from the list; whether there may be more.
local first, fresh = nil, {}
local function come_new(count)
    local found = redis.call('LRANGE', list, 0, math.min(count, limit) - 1)
    local size, total = 0, 0
    while size < #found and total < bytes do
        size = size + 1
        total = total + #found[size]
    end
    if size == 0 then
        return false
    end
    redis.call('LTRIM', list, size, -1)
    local number = redis.call('HINCRBY', counters, 'message', size) - size
    first = first or number + 1
    local form = number < 2 ^ 30 and '%d' or '%.0f'  -- the first is quicker, and ends at 2 ^ 31 on small machines
    local kept, before = {}, #fresh
    for index = 1, size do
        local body = found[index]
        kept[2 * index - 1] = string.format(form, number + index)
        kept[2 * index] = body
        fresh[before + index] = body
    end
    keep(size, total, unpack(kept))
    return size == #found
end

promote()
while not is_enough() and come_again() do end
local step = 16
while not is_enough() and come_new(step) do
    step = math.min(4 * step, 512)
end
ring()
return {due(), token or 0, again, first or 0, fresh}
