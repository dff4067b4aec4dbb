-- How an option cools down, by the value of its key: 0 it does not, positive until when, -1 it has to be found well,
-- below that: minus the time until which a probe is waited for.
local function cooling_of(value, down)
  if not value then return 0 end
  local ends = value + 0
  if ends > down or -ends > down then return ends end
  return down - math.abs(ends) < 3600000 and -1 or 0
end

-- Whoever is charged for an option that has to be found well probes it.
local function probe(key, down)
  redis.call('SET', key, string.format('-%.0f', down + 60000), 'PX', lasts(3660000))
end
