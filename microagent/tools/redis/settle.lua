-- Carry out verdicts, each as number, token, verdict and what belongs to it; whoever lost a lease settles nothing.

local function forget(number)
    redis.call('HDEL', bodies, number)
    redis.call('HDEL', failed, number)
    redis.call('HDEL', crashed, number)
end

local verdicts = {
    ack = forget,
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
        forget(number)
    end,
}

for index = 1, #ARGV, 4 do
    local number, token, verdict, argument = ARGV[index], ARGV[index + 1], ARGV[index + 2], ARGV[index + 3]
    if holds(number, token) then
        free(number)
        verdicts[verdict](number, argument)
    end
end
ring()
