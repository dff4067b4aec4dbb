-- Redis' own clock, and as many milliseconds more as the key `offset` of the realm says.
local function clock()
  local time = redis.call('TIME')
  local more = tonumber(redis.call('GET', string.sub(KEYS[1], 1, -25) .. 'offset') or '0')
  local down = time[1] * 1000 + math.floor(time[2] / 1000) + more
  return down, (time[2] % 1000 == 0) and down or down + 1
end
local function lasts(ms) return string.format('%.0f', ms + 86400000) end
