-- Charges everything shared and the first option that fits, or nothing.
--
-- KEYS: record, due, then the subject of each block (shared, then option by option), then the cool-down of each option,
--   then the pin of the conversation, where there is one.
-- ARGV: 1 hash of the reservation, 2 deadline in ms from now, 3 1 = count nothing, then where there is a pin the hash of
--   each option's target (22 characters), 4 number of shared blocks, 5 number of blocks of each option `2,2,1`, then the
--   blocks.
-- Reply, integers: {status, now, chosen, then used, ends, room of each window, then cooling until of each option, then
--   the text of the pin}
--   status: 1 granted, 0 refused, -1 the calendar of the caller does not hold now; chosen: from 0, -1 none;
--   cooling: see cooling.lua.

-- Rarely needed, and every call would build its functions.
local function reservations()
  --@records
  return load, reap
end

local down, up = clock()
local rid, length, dry, nshared = ARGV[1], ARGV[2] + 0, sub(ARGV[3], 1, 1) == '1', ARGV[4] + 0
if redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', int(down), 'LIMIT', 0, 1)[1] then
  local _, reap = reservations()
  note_clock(down)
  reap(KEYS[2], down)
end
local raws = redis.call('MGET', unpack(KEYS)) -- nothing for due, which is no text
local reply, blocks, ofs = {0, down, -1}, {}, {}
for i = 6, #ARGV do
  local block = ARGV[i]
  blocks[i - 5] = block
  ofs[i - 5] = subject(sub(block, 1, 22), raws[i - 3])
end

local fits, at, chosen, option = true, nshared, -1, 0
local probed, probed_from, probed_to
local pin = #ARGV[3] > 1 and (raws[#KEYS] or '') or nil
local pinned, pinned_from, pinned_to
if pin and pin ~= '' then
  local at, kept = match(pin, '^......................(%d+)\n(%d+)')
  if not at or at + kept <= down then pin = '' end
end
for i = 1, nshared do
  if not check(blocks[i], ofs[i], down, reply) then fits = false end
end
for i = 1, nshared do keep_asked(ofs[i]) end
local chosen_from, chosen_to, cooling = 0, -1, {}
for count in gmatch(ARGV[5], '%d+') do
  local to, room = at + count, true
  for i = at + 1, to do
    if not check(blocks[i], ofs[i], down, reply) then room = false end
  end
  for i = at + 1, to do take_back_asked(ofs[i]) end
  local cool = raws[#blocks + option + 3]
  local state = cool and cooling_of(cool, down) or 0
  cooling[option + 1] = state
  if room and chosen < 0 and (state == 0 or state == -1) then chosen, chosen_from, chosen_to = option, at + 1, to end
  if room and not probed and state < -1 then probed, probed_from, probed_to = option, at + 1, to end
  if pin and room and not pinned and (state == 0 or state == -1)
    and sub(pin, 1, 22) == sub(ARGV[3], 22 * option + 2, 22 * option + 23) then
    pinned, pinned_from, pinned_to = option, at + 1, to
  end
  at, option = to, option + 1
end
if pinned then chosen, chosen_from, chosen_to = pinned, pinned_from, pinned_to end
if chosen < 0 and probed then chosen, chosen_from, chosen_to = probed, probed_from, probed_to end
if wrong_calendar then return {-1, down, -1} end
for i = 1, option do reply[#reply + 1] = cooling[i] end
if pin then reply[#reply + 1] = pin end

local granted = fits and (chosen >= 0 or option == 0)
local known = not dry and raws[1]
if known then
  granted, chosen = true, reservations()(known).chosen
elseif not granted then
  chosen = -1
elseif not dry then
  local deadline, nth = down + length, 0
  local when = ',a,' .. down .. ',' .. up .. note_clock(down)
  local record = {'o,0,1,' .. chosen .. ',' .. deadline .. ',' .. length, '~0,s' .. when}
  local later
  for i = 1, nshared do
    nth, later = charge(blocks[i], ofs[i], down, up, rid .. ':0s', nth, deadline)
    record[2] = record[2] .. later
    record[#record + 1] = '/' .. blocks[i]
  end
  if chosen >= 0 then
    if cooling[chosen + 1] == -1 then probe(KEYS[#blocks + chosen + 3], down) end
    nth = 0
    local head = #record + 1
    record[head] = '~0,t' .. when
    for i = chosen_from, chosen_to do
      nth, later = charge(blocks[i], ofs[i], down, up, rid .. ':0t', nth, deadline)
      record[head] = record[head] .. later
      record[#record + 1] = '/' .. blocks[i]
    end
  end
  store(down)
  redis.call('SET', KEYS[1], table.concat(record), 'PX', lasts(length + 86400000))
  redis.call('ZADD', KEYS[2], deadline, rid)
  redis.call('PEXPIRE', KEYS[2], lasts(2592000000))
end
reply[1], reply[3] = granted and 1 or 0, chosen
return reply
