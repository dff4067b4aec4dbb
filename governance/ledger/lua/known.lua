-- A step of the walk over all windows. Those that can hold nothing any more are forgotten.
--
-- KEYS: record (of nothing: it names the realm), known. ARGV: 1 where it goes on, 2 about how many.
-- Reply: {where it goes on, 0 at the end, then id and value of each}.
local down = clock()
local found = redis.call('HSCAN', KEYS[2], ARGV[1], 'COUNT', ARGV[2])
local reply = {found[1]}
for i = 1, #found[2], 2 do
  local id, value = found[2][i], found[2][i + 1]
  if tonumber(string.match(value, '^%d+')) > down then
    reply[#reply + 1] = id
    reply[#reply + 1] = value
  else
    forget(KEYS[2], id)
  end
end
return reply
