-- The ledger's clock: Redis' own, never a proxy's. Unix milliseconds, rounded down and up.
local function clock()
  local time = redis.call('TIME')
  local down = time[1] * 1000 + math.floor(time[2] / 1000)
  return down, (time[2] % 1000 == 0) and down or down + 1
end

-- How long a key is kept that is needed for so many milliseconds.
local function lasts(ms) return string.format('%.0f', ms) end
