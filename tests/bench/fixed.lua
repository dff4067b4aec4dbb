-- The yardstick: reserve with fixed windows. Same KEYS, ARGV and reply as governance/ledger/lua/reserve.lua, same
-- all-or-nothing, same reservation record; a window is only `<end>,<used>`. Benchmarks only: it lets twice a limit
-- through at the edge of a window, and it reaps, settles and forgets nothing.
local find, match, sub, byte = string.find, string.match, string.sub, string.byte
local format, gmatch = string.format, string.gmatch
local WINDOW = '(\n........)(%a)(%d*),(%d*),([^;]*);'
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local rid, length, nshared = ARGV[1], ARGV[2] + 0, ARGV[4] + 0
redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', format('%d', now), 'LIMIT', 0, 4)
local raws = redis.call('MGET', unpack(KEYS))
local reply, blocks, subjects, by_hash = {0, now, -1}, {}, {}, {}
for i = 6, #ARGV do
  local hash = sub(ARGV[i], 1, 22)
  local of = by_hash[hash]
  if not of then
    of = {raw = raws[i - 3] or '', windows = {}, seen = 1, key = KEYS[i - 3]}
    by_hash[hash] = of
  end
  blocks[i - 5], subjects[i - 5] = ARGV[i], of
end

local function window(of, id, period)
  local at, stop = find(of.raw, id, of.seen, true)
  if not at and of.seen > 1 then at, stop = find(of.raw, id, 1, true) end
  local used, ends = 0, 0
  if at then
    local _, last, stored_ends, stored_used = find(of.raw, '^(%d*),(%d*)', stop + 1)
    of.seen = last + 1
    used, ends = stored_used + 0, stored_ends + 0
  end
  if now >= ends then
    local p = tonumber(period)
    used, ends = 0, p and (math.floor(now / p) + 1) * p or match(period, ':(%d*)') + 0
  end
  local w = {id = id, asked = 0, base = 0, used = used, ends = ends}
  of.windows[id] = w
  return w
end

local function check(block, of)
  local fit, r = true, #reply
  for id, flag, amount, limit, period in gmatch(block, WINDOW) do
    local w = of.windows[id] or window(of, id, period)
    local before = w.asked
    local asked = before + amount
    w.asked = asked
    local room = 0
    if w.used + asked > limit + 0 then
      if byte(flag) < 97 then fit = false end
      room = asked > limit + 0 and -1 or w.ends
    end
    reply[r + 1], reply[r + 2], reply[r + 3] = w.used + before, w.ends, room
    r = r + 3
  end
  return fit
end

local function charge(block, of)
  of.changed = true
  for id, _, amount in gmatch(block, WINDOW) do
    local w = of.windows[id]
    w.used = w.used + amount
  end
end

local fits = true
for i = 1, nshared do
  if not check(blocks[i], subjects[i]) then fits = false end
end
for i = 1, nshared do
  for _, w in pairs(subjects[i].windows) do w.base = w.asked end
end
local at, chosen, option, from, last = nshared, -1, 0, 0, -1
for count in gmatch(ARGV[5], '%d+') do
  local to, room = at + count, true
  for i = at + 1, to do
    if not check(blocks[i], subjects[i]) then room = false end
  end
  for i = at + 1, to do
    for _, w in pairs(subjects[i].windows) do w.asked = w.base end
  end
  if room and chosen < 0 then chosen, from, last = option, at + 1, to end
  at, option = to, option + 1
end
for i = 1, option do reply[#reply + 1] = 0 end
if not (fits and (chosen >= 0 or option == 0)) then return reply end
local record = {'o,0,1,' .. chosen .. ',' .. now + length .. ',' .. length}
for i = 1, nshared do
  charge(blocks[i], subjects[i])
  record[#record + 1] = '/' .. blocks[i]
end
for i = from, last do
  charge(blocks[i], subjects[i])
  record[#record + 1] = '/' .. blocks[i]
end
for _, of in pairs(by_hash) do
  if of.changed then
    local lines, n, expires = {}, 0, 0
    for id, w in pairs(of.windows) do
      n = n + 1
      if w.ends > expires then expires = w.ends end
      lines[n] = format('%s%d,%d', id, w.ends, w.used)
    end
    redis.call('SET', of.key, table.concat(lines), 'PX', format('%d', expires - now))
  end
end
redis.call('SET', KEYS[1], table.concat(record), 'PX', format('%d', length + 86400000))
redis.call('ZADD', KEYS[2], now + length, rid)
redis.call('PEXPIRE', KEYS[2], '2592000000')
reply[1], reply[3] = 1, chosen
return reply
