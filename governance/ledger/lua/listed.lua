-- A part of a list of windows, read without the rest of it.
--
-- KEYS: record (of nothing: it names the realm), known, surveyed, then lists that must all have the window.
-- ARGV: 1 rank and 2 id of the window behind which it begins ('' and '': at the beginning), 3 at most so many windows,
--   4 at most so many are looked at, 5 which callers they may count: tags of 6 characters, or - for any.
-- Reply: {total, empty, running out, surveyed in Unix ms or 0, 1 where the list goes on, rank and id of the last that was
--   looked at, then rank, id and value of each window}; of the shortest list.
local down = clock()
local key, total = KEYS[4], redis.call('ZCARD', KEYS[4])
for i = 5, #KEYS do
  local size = redis.call('ZCARD', KEYS[i])
  if size < total then key, total = KEYS[i], size end
end

-- Whether one id stands no later than another. Sorted sets are in the order of bytes, Lua's own `<=` in that of a locale.
local function not_after(a, b)
  for i = 1, math.min(#a, #b) do
    local x, y = string.byte(a, i), string.byte(b, i)
    if x ~= y then return x < y end
  end
  return #a <= #b
end

-- How many stand before the first one behind this rank and id; of the same rank they stand in the order of their ids.
local function place(rank, id)
  local from, to = redis.call('ZCOUNT', key, '-inf', '(' .. rank), redis.call('ZCOUNT', key, '-inf', rank)
  while from < to do
    local middle = math.floor((from + to) / 2)
    if not_after(redis.call('ZRANGE', key, middle, middle)[1], id) then from = middle + 1 else to = middle end
  end
  return from
end

local tags
if ARGV[5] ~= '-' then
  tags = {}
  for tag in string.gmatch(ARGV[5], '......') do tags[tag] = true end
end
local function wanted(id)
  if tags and not tags[string.sub(id, 23)] then return false end
  for i = 4, #KEYS do
    if KEYS[i] ~= key and not redis.call('ZSCORE', KEYS[i], id) then return false end
  end
  return true
end

local empty = redis.call('ZCOUNT', key, '-inf', '(0')
local running_out = redis.call('ZCOUNT', key, '0', '(1000000000000')
local reply = {total, empty, running_out, (redis.call('GET', KEYS[3]) or 0) + 0, 0, '', ''}
local first = ARGV[2] ~= '' and place(ARGV[1], ARGV[2]) or 0
local found = redis.call('ZRANGE', key, first, first + ARGV[4] - 1, 'WITHSCORES')
local told, looked = 0, 0
for i = 1, #found, 2 do
  if told == ARGV[3] + 0 then break end
  local id = found[i]
  looked = looked + 1
  reply[6], reply[7] = found[i + 1], id
  if wanted(id) then
    local value = redis.call('HGET', KEYS[2], id)
    if value and tonumber(string.match(value, '^%d+')) > down then
      told = told + 1
      local r = #reply
      reply[r + 1], reply[r + 2], reply[r + 3] = found[i + 1], id, value
    end
  end
end
if first + looked < total then reply[5] = 1 end
return reply
