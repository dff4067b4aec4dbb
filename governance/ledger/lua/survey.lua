-- Whose turn it is to look at all windows. KEYS: record (of nothing: it names the realm), surveying.
-- ARGV: for how many ms nobody else's. Reply: 1 yours, 0 somebody's.
return redis.call('SET', KEYS[2], clock(), 'NX', 'PX', ARGV[1]) and 1 or 0
