-- The time that a test has set, in microseconds. Keys are kept long enough for any test.
local function clock()
  local us = tonumber(redis.call('GET', string.sub(KEYS[1], 1, -25) .. 'clock'))
  return math.floor(us / 1000), math.ceil(us / 1000)
end
local function lasts(ms) return string.format('%.0f', ms + 86400000) end
