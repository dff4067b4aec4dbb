-- What is in force beside the policy: a hash of entries by id. It is kept until somebody takes out what has ended.
--
-- KEYS: record (of nothing: it names the realm), overlay.
-- ARGV: `read`; or `put`, how many are kept, id, entry, then ids to take out; or `take` and an id.
-- Reply: of `read` every entry; of `put` 1, or 0 where there are too many; of `take` 1, or 0 where it was not kept.
local verb = ARGV[1]
if verb == 'read' then return redis.call('HVALS', KEYS[2]) end
if verb == 'take' then return redis.call('HDEL', KEYS[2], ARGV[2]) end
for i = 5, #ARGV do redis.call('HDEL', KEYS[2], ARGV[i]) end
if redis.call('HLEN', KEYS[2]) >= tonumber(ARGV[2]) then return 0 end
redis.call('HSET', KEYS[2], ARGV[3], ARGV[4])
return 1
