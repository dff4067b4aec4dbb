-- Reservations: `<state>,<hop>,<holds>,<chosen>,<deadline>,<length>`, `,a` when the hop was attempted, then for each part
--   ~ <hop>,<s or t>,<counted>,<down>,<up><later>/<block>/<block>...
-- state: o(pen) e(xpired) r(eleased) s(ettled); s: charges of every subject, t: of that hop's target;
-- counted: a(ll), r(equests), n(othing); down, up: when it was counted, Unix milliseconds; later: see `charge`.
-- The sorted set `due` holds the open ones by their deadline.
local REMEMBERED, SPARE, DUE_LASTS, REAPED = 900000, 86400000, 2592000000, 4

local function load(text)
  local state, hop, holds, chosen, deadline, length, attempted =
    match(text, '^(%a),(%d*),(%d),(%-?%d*),(%d*),(%d*),?(a?)')
  local record = {state = state, hop = hop + 0, holds = holds, chosen = chosen + 0, deadline = deadline + 0,
    length = length + 0, attempted = attempted == 'a', parts = {}}
  for hop_, kind, counted, down, up, blocks in gmatch(text, '~(%d*),(%a),(%a),(%d*),(%d*)([^~]*)') do
    record.parts[#record.parts + 1] = {hop = hop_ + 0, kind = kind, counted = counted, down = down + 0, up = up + 0,
      blocks = blocks}
  end
  return record
end

local function head(r)
  return r.state .. ',' .. r.hop .. ',' .. r.holds .. ',' .. r.chosen .. ',' .. r.deadline .. ',' .. r.length ..
    (r.attempted and ',a' or '')
end

local function save(rid, r)
  local texts = {head(r)}
  for i, p in ipairs(r.parts) do
    texts[i + 1] = '~' .. p.hop .. ',' .. p.kind .. ',' .. p.counted .. ',' .. p.down .. ',' .. p.up .. p.blocks
  end
  local kept = r.state == 'o' and r.length + SPARE or REMEMBERED
  redis.call('SET', PREFIX .. 'r:' .. rid, table.concat(texts), 'PX', lasts(kept))
end

-- How often the clock went back by now, and the latest that it had shown before: `high` has `<latest since>,<that>,<how often>`.
local function back()
  local high, before, times = match(redis.call('GET', PREFIX .. 'high') or '0,0,0', '^(%d+),(%d+),(%d+)')
  return math.max(high, before), times
end

local function lease_of(rid, p) return rid .. ':' .. p.hop .. p.kind end

-- When the nth window of a part counted it later than it says: then, or of a calendar window the end of its period.
local function later_of(p, nth)
  return byte(p.blocks) == 44 and match(p.blocks, '^[^/]*,' .. nth .. '@(%d+)')
end

local function keeps(p, flag)
  return p.counted == 'a' or (p.counted == 'r' and string.upper(flag) == 'R')
end

-- Makes the windows of a part count want(flag, amount, subject, id) instead of what they count for it now.
local function recount(rid, r, p, now, want)
  local nth = 0
  -- What had left its window before the clock went back must not be given back again: others have its place.
  local latest, times = back()
  local since = times == (later_of(p, 0) or '0')
  local horizon = since and now or math.max(now, latest)
  for hash, windows in gmatch(p.blocks, '/(......................)([^/]*)') do
    local of = subject(hash)
    of.changed = true
    for id, flag, amount, limit, period in gmatch(windows, WINDOW) do
      nth = nth + 1
      local wanted = want(flag, amount + 0, hash, id)
      local difference = wanted - (keeps(p, flag) and amount + 0 or 0)
      local w = window(of, id, flag, period, now, p.down)
      if w.key then
        for i = 1, amount do
          local lease = lease_of(rid, p) .. nth .. ':' .. i
          if wanted > 0 then redis.call('ZADD', w.key, int(r.deadline), lease) else redis.call('ZREM', w.key, lease) end
        end
        if wanted > 0 then redis.call('PEXPIRE', w.key, lasts(r.deadline - now)) end
        w.used = redis.call('ZCOUNT', w.key, '(' .. now, '+inf')
      elseif w.calendar then
        local start, ends = period_of(period, p.down)
        local later = later_of(p, nth)
        if later then start, ends = start + later - ends, later + 0 end
        if w.used == 0 then w.ends = math.max(w.ends, ends) end
        -- Only while the period in which it was counted lasts, in whatever time zone.
        if now < w.ends and (since or horizon < ends) and 2 * math.abs(w.ends - ends) <= ends - start then
          w.used = math.min(math.max(0, w.used + difference), MOST_COUNTED)
        end
      else
        local counted = (later_of(p, nth) or p.up) + 0
        if counted + period > horizon then adjust_rolling(w, counted, difference, limit + 0, now) end
      end
    end
  end
end

local function leave(rid, r, p, now, counted)
  recount(rid, r, p, now, function(flag, amount)
    if counted == 'r' and string.upper(flag) == 'R' then return amount end
    return 0
  end)
  p.counted = counted
end

-- Attempts before the current hop are facts: their requests stay.
local function give_back(rid, r, now, attempted)
  for _, p in ipairs(r.parts) do
    if p.counted ~= 'n' then leave(rid, r, p, now, (attempted or p.hop ~= r.hop) and 'r' or 'n') end
  end
end

-- Writes what changed, so that the call itself begins with what is stored.
local function forget(now)
  store(now)
  subjects, wrong_calendar = {}, false
end

-- Releases a few reservations that their deadline found open. Returns how many.
local function reap(due, now)
  local late, released = redis.call('ZRANGEBYSCORE', due, '-inf', int(now), 'LIMIT', 0, REAPED), 0
  for _, rid in ipairs(late) do
    local text = redis.call('GET', PREFIX .. 'r:' .. rid)
    local r = text and load(text)
    if r and r.state == 'o' and r.deadline > now then
      redis.call('ZADD', due, int(r.deadline), rid)
    else
      redis.call('ZREM', due, rid)
      if r and r.state == 'o' then
        give_back(rid, r, now, r.attempted)
        r.state = 'e'
        save(rid, r)
        released = released + 1
      end
    end
  end
  if released > 0 then
    forget(now)
    redis.call('INCRBY', PREFIX .. 'expired', released)
    redis.call('PEXPIRE', PREFIX .. 'expired', lasts(DUE_LASTS))
  end
  return released
end
