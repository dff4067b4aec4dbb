-- Windows that exist, and the lists that have them.
--
-- The hash `known` has each window by its id: `<until> <samples> <lists> <definition>`, where until is when it can hold
-- nothing any more in Unix ms, samples `<Unix minute of the last>:<one character each>` or `-`, lists their names with
-- commas between them. A list is a sorted set of ids by rank (governance/ledger/listing.py).
local PREFIX = string.sub(KEYS[1], 1, -25)
local UNRANKED = '1000000000900'

local function list(name) return PREFIX .. 'l:' .. name end

-- Until, samples, lists and definition of what the hash has.
local function parts(value) return string.match(value, '^(%d+) (%S+) (%S+) (.*)$') end

-- A list is kept as long as what is in it.
local function keep(key, ms)
  if redis.call('PTTL', key) < ms + 0 then redis.call('PEXPIRE', key, lasts(ms)) end
end

local function unlist(id, lists)
  for name in string.gmatch(lists, '[^,]+') do redis.call('ZREM', list(name), id) end
end

local function forget(known, id)
  local value = redis.call('HGET', known, id)
  if value then
    local _, _, lists = parts(value)
    unlist(id, lists)
    redis.call('HDEL', known, id)
  else
    redis.call('ZREM', list('all'), id)
  end
end
