-- Puts records at the end of a stream and forgets the oldest.
-- KEYS: 1 the stream.
-- ARGV: 1 about how many are kept, 2 milliseconds after which all are forgotten when nothing comes any more,
--       then for each record: its id, the record.
-- Reply: how many were put.
for at = 3, #ARGV, 2 do
  redis.call('XADD', KEYS[1], 'MAXLEN', '~', ARGV[1], '*', 'i', ARGV[at], 'r', ARGV[at + 1])
end
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return (#ARGV - 2) / 2
