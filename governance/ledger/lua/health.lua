-- KEYS: record (of nothing: it names the realm), due, epoch, expired.
-- ARGV: how long the epoch is kept, in ms, from the last time somebody asked.
-- Reply, integers: {now, epoch, open reservations, expired}
local down = clock()
note_clock(down)
reap(KEYS[2], down)
redis.call('SET', KEYS[3], string.format('%.0f', down), 'NX', 'PX', ARGV[1])
redis.call('PEXPIRE', KEYS[3], ARGV[1])
return {down, redis.call('GET', KEYS[3]) + 0, redis.call('ZCARD', KEYS[2]), (redis.call('GET', KEYS[4]) or 0) + 0}
