-- Settles, releases or renews a reservation; attempt: renews it, and its request stays when it expires.
--
-- KEYS: record, due, then the pin of a conversation, where one is written.
-- ARGV: 1 hash of the reservation, 2 settle | release | renew | attempt, 3 what was used `T123,U500,` by the unit's letter |
--   1 = a provider was attempted | deadline in ms from now, 4-6 of a pin: what stands before and after the time, and how
--   many ms it lasts.
-- Reply: 1 the first time; 0 when it was settled (or released) before, or is not known.
local down = clock()
local rid, verb, argument = ARGV[1], ARGV[2], ARGV[3]
note_clock(down)
reap(KEYS[2], down)
local text = redis.call('GET', KEYS[1])
if not text then return 0 end
local r = load(text)
if verb == 'settle' then
  if r.state == 's' then return 0 end
  local actual, settled = {}, {}
  for letter, amount in gmatch(argument, '(%a)(%d+)') do actual[letter] = amount + 0 end
  for _, p in ipairs(r.parts) do
    if p.kind == 's' or p.hop == r.hop then
      recount(rid, r, p, down, function(flag, amount, hash, id)
        local letter = string.upper(flag)
        if letter == 'C' then return 0 end
        if not actual[letter] then return amount end
        if settled[hash .. id] then return 0 end
        settled[hash .. id] = true
        return actual[letter]
      end)
    end
  end
  r.state = 's'
  if KEYS[3] then redis.call('SET', KEYS[3], ARGV[4] .. int(down) .. ARGV[5], 'PX', ARGV[6]) end
elseif verb == 'release' then
  if r.state == 's' or r.state == 'r' then return 0 end
  if r.state == 'e' then
    if argument == '1' then
      for _, p in ipairs(r.parts) do
        if p.counted == 'n' then leave(rid, r, p, down, 'r') end -- the attempt was made after all
      end
      store(down)
    end
    r.state = 'r'
    save(rid, r)
    return 0
  end
  give_back(rid, r, down, argument == '1')
  r.state = 'r'
else
  if r.state ~= 'o' then return 0 end
  r.attempted = r.attempted or verb == 'attempt'
  r.deadline = down + argument
  r.length = argument + 0
  for _, p in ipairs(r.parts) do
    if p.counted == 'a' then
      recount(rid, r, p, down, function(_, amount) return amount end)
    end
  end
end
store(down)
save(rid, r)
if r.state == 'o' then redis.call('ZADD', KEYS[2], int(r.deadline), rid) else redis.call('ZREM', KEYS[2], rid) end
return 1
