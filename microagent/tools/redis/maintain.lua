-- Give back what silent holders had, its run counted as crashed; promote what is due.
-- Gives the milliseconds until more is due, -1 if nothing is.

for _, number in ipairs(redis.call('ZRANGEBYSCORE', leased, '-inf', now, 'LIMIT', 0, 1000)) do
    free(number)
    redis.call('HINCRBY', crashed, number, 1)
    redis.call('ZADD', ready, number, number)
end
promote()
ring()
return due()
