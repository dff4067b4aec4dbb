-- The next hop of a reservation: gives back the target before, charges this one.
--
-- KEYS: record, due, cool-down of the option, then the subject of each block.
-- ARGV: 1 hash of the reservation, 2 hop, 3 two flags: charge in any case, the target before was asked nothing,
--   4 deadline in ms for one that is not known,
--   5 number of the option's blocks, then its blocks and those of every subject.
-- Reply, integers: {status, now, cooling (see cooling.lua), then used, ends, room of each window}
--   status: 1 charged, 0 does not fit, -1 the calendar of the caller does not hold now.
local down, up = clock()
local rid, hop, length, nours = ARGV[1], ARGV[2] + 0, ARGV[4] + 0, ARGV[5] + 0
local force, unasked = sub(ARGV[3], 1, 1) == '1', sub(ARGV[3], 2, 2) == '1'
for i = 6, #ARGV do
  for first, last in gmatch(ARGV[i], ',(%d+):%d+:(%d+);') do
    if down < first + 0 or down >= last + 0 then return {-1, down, 0} end
  end
end
local times = note_clock(down)
reap(KEYS[2], down)
local text, cool = redis.call('GET', KEYS[1]), redis.call('GET', KEYS[3])
local cooling = cooling_of(cool, down)
local r = text and load(text)
if not r then
  r = {state = 'o', hop = hop - 1, holds = '0', chosen = -1, deadline = down + length, length = length, parts = {}}
end
local over = r.state == 's' or r.state == 'r' or hop <= r.hop
if not over then
  if r.state == 'e' then
    r.state, r.deadline = 'o', down + r.length
    for _, p in ipairs(r.parts) do
      if p.counted == 'n' then leave(rid, r, p, down, 'r') end -- the attempt was made after all
    end
  end
  for i = #r.parts, 1, -1 do
    local p = r.parts[i]
    if p.kind == 't' and p.counted == 'a' then
      leave(rid, r, p, down, unasked and 'n' or 'r')
      if unasked then table.remove(r.parts, i) end
    end
  end
  forget(down)
end

local reply, fits = {0, down, cooling}, true
for i = 6, #ARGV do
  if not check(ARGV[i], subject(sub(ARGV[i], 1, 22)), down, reply) then fits = false end
end
if over then
  reply[1] = (hop == r.hop and r.holds == '1') and 1 or 0
  return reply
end
r.hop, r.attempted = hop, false
r.holds = (force or (fits and (cooling == 0 or cooling == -1))) and '1' or '0'
if r.holds == '1' then
  if cooling == -1 then probe(KEYS[3], down) end
  local parts = {t = {times}, s = {times}}
  local nth = {t = 0, s = 0}
  for i = 6, #ARGV do
    local kind = i - 5 <= nours and 't' or 's'
    local of = subject(sub(ARGV[i], 1, 22))
    local later
    nth[kind], later = charge(ARGV[i], of, down, up, rid .. ':' .. hop .. kind, nth[kind], r.deadline)
    parts[kind][1] = parts[kind][1] .. later
    table.insert(parts[kind], '/' .. ARGV[i])
  end
  for _, kind in ipairs({'t', 's'}) do
    r.parts[#r.parts + 1] = {hop = hop, kind = kind, counted = 'a', down = down, up = up,
      blocks = table.concat(parts[kind])}
  end
end
store(down)
save(rid, r)
redis.call('ZADD', KEYS[2], int(r.deadline), rid)
redis.call('PEXPIRE', KEYS[2], lasts(DUE_LASTS))
reply[1] = fits and 1 or 0
return reply
