-- Lengthen leases by ARGV[1] ms, each given as number and token; gives the numbers of those that were lost.

local lost = {}
for index = 2, #ARGV, 2 do
    local number = ARGV[index]
    if holds(number, ARGV[index + 1]) then
        redis.call('ZREM', leased, number)
        redis.call('ZADD', leased, now + ARGV[1], number)
    else
        table.insert(lost, number)
    end
end
return lost
