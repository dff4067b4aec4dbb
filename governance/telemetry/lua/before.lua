-- Reads a stream backwards.
-- KEYS: 1 the stream.
-- ARGV: 1 the first position that may be told: `+`, or `(` and the position told last; 2 how many at most.
-- Reply: for each, newest first: its position, the record.
local told = {}
for _, entry in ipairs(redis.call('XREVRANGE', KEYS[1], ARGV[1], '-', 'COUNT', ARGV[2])) do
  told[#told + 1] = entry[1]
  told[#told + 1] = entry[2][4]
end
return told
