-- Keeps an option from being chosen. A longer cool-down that runs already stays.
-- The value is when it ends, in Unix milliseconds; with a minus, when at the latest the probe after it ends. The key
-- stays for an hour longer: the first request that is charged for the option then is its probe.
-- KEYS: cool-down of the option. ARGV: milliseconds from now. Reply: Unix milliseconds at which it ends.
local down = clock()
local ends = down + ARGV[1]
local before = redis.call('GET', KEYS[1])
if before and tonumber(before) >= ends then return before + 0 end
redis.call('SET', KEYS[1], string.format('%.0f', ends), 'PX', lasts(ARGV[1] + 3600000))
return ends
