-- KEYS: record (of nothing: it names the realm), due. ARGV: at most so many.
-- Reply: the hashes of open reservations, the one whose deadline comes last first.
local down = clock()
return redis.call('ZREVRANGEBYSCORE', KEYS[2], '+inf', '(' .. string.format('%.0f', down), 'LIMIT', 0, ARGV[1])
