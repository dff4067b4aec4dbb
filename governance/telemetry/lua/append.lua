-- Puts records at the end of a stream and forgets the oldest.
-- KEYS: 1 the stream, 2 how many bytes it takes, about.
-- ARGV: 1 about how many are kept, 2 milliseconds after which all are forgotten when nothing comes any more,
--       3 bytes that they may take together, 4 percent of `maxmemory` above which nothing is put,
--       5 bytes that one takes besides its record,
--       then for each record: its id, the record.
-- Reply: how many were put; -1 where the server is too full, also without the older half of the stream: that is forgotten
--        then, so that what is counted has the room.
local FIRST, AT_ONCE = 6, 100
local keep, most, besides = tonumber(ARGV[1]), tonumber(ARGV[3]), tonumber(ARGV[5])

-- Allocators round up, by an eighth at most on average.
local function size(record)
  return math.floor(#record * 1.125) + besides
end

-- Not everybody may ask a server how it is; then nothing is known, and the bytes alone bound what is kept.
local function full()
  local told = redis.pcall('INFO', 'memory')
  if type(told) ~= 'string' then
    return false
  end
  local used, room = tonumber(string.match(told, 'used_memory:(%d+)')), tonumber(string.match(told, 'maxmemory:(%d+)'))
  return used and room and room > 0 and used * 100 > room * tonumber(ARGV[4])
end

local length = redis.call('XLEN', KEYS[1])
local bytes = tonumber(redis.call('GET', KEYS[2]) or false)
if not bytes then
  -- An earlier version did not count them.
  bytes = length * size(ARGV[FIRST + 1] or '')
end
if full() then
  local half = math.floor(length / 2)
  redis.call('XTRIM', KEYS[1], 'MAXLEN', half)
  bytes = length > 0 and math.floor(bytes * half / length) or 0
  length = half
  if full() then
    -- Without this count the next call makes an estimate; writing one might be refused now.
    redis.call('DEL', KEYS[2])
    return -1
  end
end

for at = FIRST, #ARGV, 2 do
  redis.call('XADD', KEYS[1], '*', 'i', ARGV[at], 'r', ARGV[at + 1])
  bytes, length = bytes + size(ARGV[at + 1]), length + 1
end
if length > keep or bytes > most then
  -- No call forgets more than some hundred: the next one goes on.
  for _, entry in ipairs(redis.call('XRANGE', KEYS[1], '-', '+', 'COUNT', AT_ONCE + #ARGV)) do
    if length <= keep and bytes <= most then
      break
    end
    redis.call('XDEL', KEYS[1], entry[1])
    bytes, length = bytes - size(entry[2][4]), length - 1
  end
end
redis.call('SET', KEYS[2], math.max(0, bytes), 'PX', ARGV[2])
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return (#ARGV - FIRST + 1) / 2
