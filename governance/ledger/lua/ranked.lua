-- Puts windows where they belong in their lists, and keeps a sample of each.
--
-- KEYS: record (of nothing: it names the realm), known, surveyed.
-- ARGV: 1 the Unix minute, 2 how many samples are kept, 3 1 = the survey ends, then of each window: id, rank, sample.
local down = clock()
local minute, most = ARGV[1] + 0, ARGV[2] + 0
for i = 4, #ARGV, 3 do
  local id, rank, sample = ARGV[i], ARGV[i + 1], ARGV[i + 2]
  local value = redis.call('HGET', KEYS[2], id)
  if value then
    local ends, samples, lists, definition = parts(value)
    for name in string.gmatch(lists, '[^,]+') do redis.call('ZADD', list(name), rank, id) end
    local before, taken = string.match(samples, '^(%d+):(.*)$')
    before, taken = (before or minute) + 0, taken or ''
    -- A minute has one sample, and one in which none was taken has a dash.
    if minute >= before then
      if taken ~= '' then
        if minute == before then taken = string.sub(taken, 1, -2)
        else taken = taken .. string.rep('-', math.min(most, minute - before - 1)) end
      end
      taken = string.sub(taken .. sample, -most)
      redis.call('HSET', KEYS[2], id, ends .. ' ' .. ARGV[1] .. ':' .. taken .. ' ' .. lists .. ' ' .. definition)
    end
  end
end
if ARGV[3] == '1' then redis.call('SET', KEYS[3], string.format('%.0f', down), 'PX', lasts(86400000)) end
return 1
