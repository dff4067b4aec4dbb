-- Looks for one record in a part of a stream.
-- KEYS: 1 the stream.
-- ARGV: 1 the position to begin at: milliseconds, or `(` and the position looked at last; 2 how many to look at; 3 the id.
-- Reply: {record}, or {'', position looked at last}, or {} at the end.
local entries = redis.call('XRANGE', KEYS[1], ARGV[1], '+', 'COUNT', ARGV[2])
for _, entry in ipairs(entries) do
  if entry[2][2] == ARGV[3] then
    return {entry[2][4]}
  end
end
if #entries == 0 then
  return {}
end
return {'', entries[#entries][1]}
