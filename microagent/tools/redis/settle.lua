-- Carry out verdicts, each as number, token, verdict and what belongs to it; whoever lost a lease settles nothing.
--
-- Those that are done, most of all, are forgotten together.

local function forget(numbers)
    redis.call('HDEL', bodies, unpack(numbers))
    redis.call('HDEL', failed, unpack(numbers))
    redis.call('HDEL', crashed, unpack(numbers))
end

local verdicts = {
    release = function(number)
        redis.call('ZADD', ready, number, number)
    end,
    retry = function(number, delay)
        redis.call('HINCRBY', failed, number, 1)
        redis.call('ZADD', delayed, now + delay, number)
    end,
    bury = function(number, reason)
        local attempts = (redis.call('HGET', failed, number) or 0) + 1
        local body = redis.call('HGET', bodies, number)
        redis.call('XADD', dead, '*', 'body', body, 'reason', reason, 'attempts', attempts, 'time', now / 1000)
        forget({number})
    end,
}

-- The places in ARGV, from first to last, of the verdicts of those who still hold what they speak of.
local function held(first, last)
    local numbers, places = {}, {}
    for index = first, last, 4 do
        table.insert(numbers, ARGV[index])
    end
    for order, token in ipairs(redis.call('HMGET', tokens, unpack(numbers))) do
        local index = first + 4 * (order - 1)
        if token == ARGV[index + 1] then
            table.insert(places, index)
        end
    end
    return places
end

local function settle(first, last)
    local numbers, done, others = {}, {}, {}
    for _, index in ipairs(held(first, last)) do
        table.insert(numbers, ARGV[index])
        if ARGV[index + 2] == 'ack' then
            table.insert(done, ARGV[index])
        else
            table.insert(others, index)
        end
    end
    if #numbers > 0 then
        redis.call('ZREM', leased, unpack(numbers))
        redis.call('HDEL', tokens, unpack(numbers))
    end
    if #done > 0 then
        forget(done)
    end
    for _, index in ipairs(others) do
        verdicts[ARGV[index + 2]](ARGV[index], ARGV[index + 3])
    end
end

for first = 1, #ARGV, 4000 do
    settle(first, math.min(first + 3999, #ARGV))
end
ring()
