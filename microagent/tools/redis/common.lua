-- What the scripts of a queue share.
--
-- A message that was taken from the list has a number, which orders it, and is in exactly one of
--   ready    sorted by number        waits to be taken
--   delayed  sorted by time (ms)     waits for its next run
--   the hash of a token, by number   is held, together with what else was taken in the same go
-- Until when the messages of a token are held is in leased, sorted by time (ms). A body is in the hash of its token, else
-- in bodies; how many runs failed or crashed, if any did, is in hashes by number.
--
-- What moves messages removes before it adds: then a server that is out of memory lets it go on to its end.

local list, ready, delayed, leased = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local held, bodies, failed, crashed = KEYS[5], KEYS[6], KEYS[7], KEYS[8]
local counters, bell, dead = KEYS[9], KEYS[10], KEYS[11]

local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)

-- The bell is a list with something in it as long as something is ready: consumers can wait for lists alone.
local function ring()
    if redis.call('EXISTS', ready) == 0 then
        redis.call('DEL', bell)
    elseif redis.call('EXISTS', bell) == 0 then
        redis.call('RPUSH', bell, '1')
    end
end

local function promote()
    for _, number in ipairs(redis.call('ZRANGEBYSCORE', delayed, '-inf', now, 'LIMIT', 0, 1000)) do
        redis.call('ZREM', delayed, number)
        redis.call('ZADD', ready, number, number)
    end
end

-- Milliseconds until a delayed message is due, -1 if there is none.
local function due()
    local first = redis.call('ZRANGE', delayed, 0, 0, 'WITHSCORES')
    return first[2] and math.max(0, first[2] - now) or -1
end
