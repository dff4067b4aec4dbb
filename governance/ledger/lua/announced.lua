-- KEYS: record (of nothing: it names the realm), announced. ARGV: 1 from which one on, from 0, 2 at most so many.
-- Reply: definitions of windows, the one that can hold something longest first.
local down = clock()
return redis.call('ZREVRANGEBYSCORE', KEYS[2], '+inf', '(' .. string.format('%.0f', down), 'LIMIT', ARGV[1], ARGV[2])
