-- Lengthen leases by ARGV[1] ms, of messages that are each given as number and token; gives the numbers of those that
-- were lost.

local lost, kept = {}, {}
for index = 2, #ARGV, 2 do
    local number, token = ARGV[index], ARGV[index + 1]
    if redis.call('HEXISTS', held .. token, number) == 1 then
        kept[token] = true
    else
        table.insert(lost, number)
    end
end
for token in pairs(kept) do
    redis.call('ZREM', leased, token)
    redis.call('ZADD', leased, now + ARGV[1], token)
end
return lost
