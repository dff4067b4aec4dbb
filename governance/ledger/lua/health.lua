-- KEYS: record (of nothing: it names the realm), due, epoch, expired, workers.
-- ARGV: 1 how long the epoch is kept, in ms, from the last time somebody asked, 2 the worker that asks, '' for none,
--   3 for how many ms it is one of the workers.
-- Reply, integers: {now, epoch, open reservations, expired, workers}
local down = clock()
note_clock(down)
reap(KEYS[2], down)
redis.call('SET', KEYS[3], string.format('%.0f', down), 'NX', 'PX', ARGV[1])
redis.call('PEXPIRE', KEYS[3], ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[5], '-inf', int(down))
if ARGV[2] ~= '' then
  redis.call('ZADD', KEYS[5], int(down + ARGV[3]), ARGV[2])
  redis.call('PEXPIRE', KEYS[5], ARGV[3])
end
return {down, redis.call('GET', KEYS[3]) + 0, redis.call('ZCARD', KEYS[2]), (redis.call('GET', KEYS[4]) or 0) + 0,
  redis.call('ZCARD', KEYS[5])}
