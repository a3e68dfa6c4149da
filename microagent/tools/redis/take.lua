-- Lease up to ARGV[1] messages, or about ARGV[3] bytes of them, for ARGV[2] ms: those that come again first.
-- Gives the milliseconds until more is due, the token, and for each message its number, body, failed and crashed runs.

local limit, lease, bytes = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local token
local taken = {}

local function hold(number, body)
    token = token or redis.call('HINCRBY', counters, 'token', 1)
    redis.call('ZADD', leased, now + lease, number)
    redis.call('HSET', tokens, number, token)
    table.insert(taken, {
        number, body, tonumber(redis.call('HGET', failed, number) or 0), tonumber(redis.call('HGET', crashed, number) or 0)
    })
    limit = limit - 1
    bytes = bytes - #body
end

local function again()
    local number = redis.call('ZPOPMIN', ready)[1]
    if number then
        hold(number, redis.call('HGET', bodies, number) or '')
    end
    return number
end

local function fresh()
    local body = redis.call('LPOP', list)
    if body then
        local number = redis.call('HINCRBY', counters, 'message', 1)
        redis.call('HSET', bodies, number, body)
        hold(number, body)
    end
    return body
end

promote()
while limit > 0 and bytes > 0 and (again() or fresh()) do end
ring()
return {due(), token or 0, taken}
