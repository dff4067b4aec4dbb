-- Counts what was served while this ledger was away, at the time when it was: a reservation as if it had been made then.
--
-- KEYS: record, due, mark, then the subject of each block.
-- ARGV: 1 hash of the reservation, 2 when it was served, Unix ms, 3 its deadline in ms from now, 4 for how many ms the
--   mark says that it is counted, 5 index of the option or -1, 6 number of the option's blocks, then its blocks and those
--   of every subject.
-- Reply: 1 counted, 0 known: it was counted before, or the call for it had come after all.
local down = clock()
local times = note_clock(down)
if redis.call('EXISTS', KEYS[1], KEYS[3]) > 0 then return 0 end
redis.call('SET', KEYS[3], ARGV[2], 'PX', ARGV[4])
local rid, at, length, nours = ARGV[1], math.min(ARGV[2] + 0, down), ARGV[3] + 0, ARGV[6] + 0
local r = {state = 'o', hop = 0, holds = '1', chosen = ARGV[5] + 0, deadline = down + length, length = length,
  attempted = true, parts = {}}
local blocks = {s = {times}, t = {times}}
for i = 7, #ARGV do table.insert(blocks[i - 6 <= nours and 't' or 's'], '/' .. ARGV[i]) end
for _, kind in ipairs({'s', 't'}) do
  local p = {hop = 0, kind = kind, counted = 'n', down = at, up = at, blocks = table.concat(blocks[kind])}
  recount(rid, r, p, down, function(_, amount) return amount end)
  p.counted = 'a'
  r.parts[#r.parts + 1] = p
end
store(down)
save(rid, r)
redis.call('ZADD', KEYS[2], int(r.deadline), rid)
redis.call('PEXPIRE', KEYS[2], lasts(DUE_LASTS))
return 1
