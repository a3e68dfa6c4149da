-- Carry out verdicts, each as token, verdict, what belongs to it, how many messages it is of, and their numbers.
--
-- Whoever lost a lease settles nothing: what is taken again is in the hash of another token.

-- Takes messages out of the hash of their token; gives their numbers and bodies.
local function released(token, numbers)
    local found, contents = {}, {}
    for index, body in ipairs(redis.call('HMGET', held .. token, unpack(numbers))) do
        if body then
            table.insert(found, numbers[index])
            table.insert(contents, body)
        end
    end
    if #found > 0 then
        redis.call('HDEL', held .. token, unpack(found))
    end
    return found, contents
end

local function each(does)
    return function(token, numbers, argument)
        local found, contents = released(token, numbers)
        for index, number in ipairs(found) do
            does(number, contents[index], argument)
        end
    end
end

local verdicts = {
    -- By far the most: together, where no count is to be forgotten.
    ack = function(token, numbers)
        if redis.call('EXISTS', failed, crashed) == 0 then
            redis.call('HDEL', held .. token, unpack(numbers))
            return
        end
        for _, number in ipairs(numbers) do
            if redis.call('HDEL', held .. token, number) == 1 then
                redis.call('HDEL', failed, number)
                redis.call('HDEL', crashed, number)
            end
        end
    end,
    release = each(function(number, body)
        redis.call('HSET', bodies, number, body)
        redis.call('ZADD', ready, number, number)
    end),
    retry = each(function(number, body, delay)
        redis.call('HSET', bodies, number, body)
        redis.call('HINCRBY', failed, number, 1)
        redis.call('ZADD', delayed, now + delay, number)
    end),
    bury = each(function(number, body, reason)
        local attempts = (redis.call('HGET', failed, number) or 0) + 1
        redis.call('HDEL', failed, number)
        redis.call('HDEL', crashed, number)
        redis.call('XADD', dead, '*', 'body', body, 'reason', reason, 'attempts', attempts, 'time', now / 1000)
    end),
}

local index = 1
while index < #ARGV do
    local token, verdict, argument, count = ARGV[index], ARGV[index + 1], ARGV[index + 2], tonumber(ARGV[index + 3])
    verdicts[verdict](token, {unpack(ARGV, index + 4, index + 3 + count)}, argument)
    if redis.call('EXISTS', held .. token) == 0 then
        redis.call('ZREM', leased, token)
    end
    index = index + 4 + count
end
ring()
