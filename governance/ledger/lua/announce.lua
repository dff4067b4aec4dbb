-- Windows that exist, for those who want to see all of them: a sorted set by when each can hold nothing any more.
--
-- KEYS: record (of nothing: it names the realm), announced.
-- ARGV: 1 how many are kept, then for each window its definition, and how many ms from now it can hold something.
local down = clock()
for i = 2, #ARGV, 2 do redis.call('ZADD', KEYS[2], string.format('%.0f', down + ARGV[i + 1]), ARGV[i]) end
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', string.format('%.0f', down))
redis.call('ZREMRANGEBYRANK', KEYS[2], 0, -1 - ARGV[1])
local last = redis.call('ZREVRANGE', KEYS[2], 0, 0, 'WITHSCORES')[2]
if last then redis.call('PEXPIRE', KEYS[2], lasts(last - down)) end
return 1
