-- The probe of an option is over.
-- KEYS: cool-down of the option. ARGV: 1 it is well, 0 nothing is known. Reply: 1 when a probe was under way.
local down = clock()
local before = redis.call('GET', KEYS[1])
if not before or tonumber(before) >= 0 then return 0 end
if ARGV[1] == '1' then
  redis.call('DEL', KEYS[1])
else
  redis.call('SET', KEYS[1], string.format('%.0f', down), 'PX', lasts(3600000))
end
return 1
