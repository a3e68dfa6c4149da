-- Give back what silent holders had, its run counted as crashed; promote what is due.
-- Gives the milliseconds until more is due, -1 if nothing is.

for _, token in ipairs(redis.call('ZRANGEBYSCORE', leased, '-inf', now, 'LIMIT', 0, 1000)) do
    local messages = redis.call('HGETALL', held .. token)
    redis.call('DEL', held .. token)
    redis.call('ZREM', leased, token)
    for index = 1, #messages, 2 do
        local number = messages[index]
        redis.call('HSET', bodies, number, messages[index + 1])
        redis.call('HINCRBY', crashed, number, 1)
        redis.call('ZADD', ready, number, number)
    end
end
promote()
ring()
return due()
