-- Add new messages that wait before they are taken, each as the milliseconds that it waits and its body.
--
-- Consumers wait for lists alone: what is due before all else rings the bell, so that they learn of it.

for index = 1, #ARGV, 2 do
    local number = redis.call('HINCRBY', counters, 'message', 1)
    redis.call('HSET', bodies, number, ARGV[index + 1])
    redis.call('ZADD', delayed, now + ARGV[index], number)
    if tonumber(redis.call('ZRANGE', delayed, 0, 0)[1]) == number and redis.call('EXISTS', bell) == 0 then
        redis.call('RPUSH', bell, '1')
    end
end
