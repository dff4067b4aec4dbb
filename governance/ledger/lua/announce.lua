-- These windows exist: each enters its lists, or stays where it is in them with its newest definition.
--
-- KEYS: record (of nothing: it names the realm), known.
-- ARGV: 1 how many are kept, then for each window: id, definition, its lists, how many ms from now it can hold something.
local down = clock()
for i = 2, #ARGV, 4 do
  local id, definition, lists, ms = ARGV[i], ARGV[i + 1], ARGV[i + 2], ARGV[i + 3]
  local old = redis.call('HGET', KEYS[2], id)
  local rank, samples, before = UNRANKED, '-', nil
  if old then
    local _
    _, samples, before = parts(old)
    rank = redis.call('ZSCORE', list('all'), id) or UNRANKED
    if before ~= lists then unlist(id, before) end
  end
  for name in string.gmatch(lists, '[^,]+') do
    if before ~= lists then redis.call('ZADD', list(name), rank, id) end
    keep(list(name), ms)
  end
  redis.call('HSET', KEYS[2], id, string.format('%.0f', down + ms) .. ' ' .. samples .. ' ' .. lists .. ' ' .. definition)
  keep(KEYS[2], ms)
end
local over = redis.call('HLEN', KEYS[2]) - ARGV[1]
if over > 0 then
  for _, id in ipairs(redis.call('ZREVRANGE', list('all'), 0, over - 1)) do forget(KEYS[2], id) end
end
return 1
