-- Send the messages of dead letters anew, as anybody sends, and take the letters away, which are given as their ids in the
-- stream; gives how many there were.
--
-- A letter goes when its message is in the list: should that be refused, the script ends there, and nothing is lost.

local sent = 0
for _, id in ipairs(ARGV) do
    local entry = redis.call('XRANGE', dead, id, id)[1]
    local fields = entry and entry[2] or {}
    for index = 1, #fields, 2 do
        if fields[index] == 'body' then
            redis.call('RPUSH', list, fields[index + 1])
            sent = sent + redis.call('XDEL', dead, id)
        end
    end
end
return sent
