-- Subjects: load, check, charge and store the windows of one subject.
--
-- A *block* is what a call asks of one subject: the subject's hash (22 characters), then for each window
--   \n <id: 8> <flag> <amount>,<limit>,<period>;
-- flag: first letter of the unit (R T I O U C), lower case in shadow mode; period: milliseconds (rolling),
-- `start:end:next end` (calendar, of which now must be in one) or `-` (concurrent).
-- Concurrent windows are sorted sets of leases by their end, one key each.
local PREFIX = sub(KEYS[1], 1, -25)
local WINDOW = '(\n........)(%a)(%d*),(%d*),([^;]*);'
local subjects = {}
local wrong_calendar = false

-- `raw`: its value, false for none, nil when it has not been read.
local function subject(hash, raw)
  local of = subjects[hash]
  if not of then
    if raw == nil then raw = redis.call('GET', PREFIX .. 'w:' .. hash) end
    of = {hash = hash, raw = raw or '', windows = {}, seen = 1, kept = 0, changed = false}
    subjects[hash] = of
  end
  return of
end

local function concurrent(of, id, now)
  local key = PREFIX .. 'c:' .. of.hash .. sub(id, 2)
  return {id = id, asked = 0, base = 0, key = key, ends = 0, used = redis.call('ZCOUNT', key, '(' .. now, '+inf')}
end

-- Start and end of the period that holds `at`, of the two that the text names.
local function period_of(text, at)
  local start, first, second = match(text, '(%d*):(%d*):(%d*)')
  if at < first + 0 then return start + 0, first + 0, second + 0 end
  return first + 0, second + 0, nil
end

-- `counted`: when something was counted that is changed now, which begins no period; nil for a new charge.
local function calendar(of, id, period, now, at, stop, counted)
  local start, ends, following = period_of(period, counted or now)
  local nominal = ends
  if now < start or (now >= ends and not following) then wrong_calendar = true end
  local used = 0
  if at then
    local _, last, stored_ends, stored_used = find(of.raw, '^(%d*),(%d*)', stop)
    of.kept = of.kept + last - at + 1
    local later = stored_ends - ends
    if later == 0 then used = stored_used + 0
    elseif stored_ends + 0 > now then
      if counted then used, ends = stored_used + 0, stored_ends + 0
      elseif 2 * later >= start - ends then
        used = stored_used + 0
        -- The time zone was changed, and the period whose end is nearest goes on (windows.py); or it is a later one
        -- because the clock went back, which counts as one that stood still.
        if 2 * later > ends - start then
          local near = following and 2 * math.abs(stored_ends - following) <= following - ends
          ends = near and following or stored_ends + 0
        end
      end
    end
  end
  return {id = id, asked = 0, base = 0, calendar = true, used = used, ends = ends, nominal = nominal}
end

-- The window `id` of a subject as it is now.
local function window(of, id, flag, period, now, counted)
  local w = of.windows[id]
  if w then return w end
  if flag == 'C' or flag == 'c' then
    w = concurrent(of, id, now)
  else
    -- Mostly they are asked for in the order in which they are stored.
    local raw = of.raw
    local at, stop = find(raw, id, of.seen, true)
    if not at and of.seen > 1 then at, stop = find(raw, id, 1, true) end
    if #period > 20 then
      w = calendar(of, id, period, now, at, at and stop + 1, counted)
    elseif at then
      local _, last, ends, used, lead, rest = find(raw, '^(%d*),(%d*),(%d*),([^\n]*)', stop + 1)
      of.kept = of.kept + last - at + 1
      of.seen = last + 1
      -- With all its fields at once: a table that grows is built anew.
      w = {id = id, asked = 0, base = 0, period = period, used = used + 0, ends = ends + 0, gone = ends - lead,
        rest = rest, more = false, newest = 0, last = 0, start = 0}
      if w.gone <= now then roll(w, now) end
    else
      w = {id = id, asked = 0, base = 0, period = period + 0, used = 0, ends = 0, gone = 0, last = 0, start = 0,
        newest = 0, n = 0, tail = 0, first = 0, closed = ''}
    end
  end
  of.windows[id] = w
  return w
end

-- Checks one block and appends used, ends and room (0: fits, -1: nobody can say) of each window to `reply`. What was
-- asked stays in `asked`, so that a window which is asked twice sees it. Returns whether all that is enforced fits.
local function check(block, of, now, reply)
  local fit, r, windows = true, #reply, of.windows
  for id, flag, amount, limit, period in gmatch(block, WINDOW) do
    local w = windows[id] or window(of, id, flag, period, now)
    local used, room = w.used, 0
    local before = w.asked
    local asked = before + amount
    w.asked = asked
    if used + asked > limit + 0 then
      if byte(flag) < 97 then fit = false end
      if w.key or asked > limit + 0 then room = -1
      elseif w.calendar then room = w.ends
      else room = room_rolling(w, asked, limit + 0) end
    end
    reply[r + 1], reply[r + 2], reply[r + 3] = used + before, w.ends, room
    r = r + 3
  end
  return fit
end

-- What was asked up to here is asked by every option; what an option asked is taken back before the next.
local function keep_asked(of)
  for _, w in pairs(of.windows) do w.base = w.asked end
end

local function take_back_asked(of)
  for _, w in pairs(of.windows) do w.asked = w.base end
end

-- Counts one block that was checked. `lease` names its concurrent charges, which end at `deadline`.
-- Returns how many windows it has, and what a record has to say of those that it counted later than the clock says,
-- because that went back: `,<nth>@<when, or of a calendar window its end>` each.
local function charge(block, of, now, up, lease, nth, deadline)
  local later = ''
  of.changed = true
  for id, amount, limit in gmatch(block, '(\n........)%a(%d*),(%d*)') do
    local w = of.windows[id]
    nth = nth + 1
    if w.key then
      for i = 1, amount do redis.call('ZADD', w.key, int(deadline), lease .. nth .. ':' .. i) end
      redis.call('PEXPIRE', w.key, lasts(deadline - now))
    elseif w.calendar then
      w.used = math.min(w.used + amount, MOST_COUNTED)
      if w.ends ~= w.nominal then later = later .. ',' .. nth .. '@' .. int(w.ends) end
    else
      local at = charge_rolling(w, up, amount + 0, limit + 0)
      if at ~= up then later = later .. ',' .. nth .. '@' .. int(at) end
    end
  end
  return nth, later
end

-- Notes what the clock shows, whenever something is counted by it; see `back` in records.lua.
-- Returns what a part of a record has to say of that: how often the clock had gone back, when it was counted.
local function note_clock(down)
  local high, before, times = match(redis.call('GET', PREFIX .. 'high') or '0,0,0', '^(%d+),(%d+),(%d+)')
  high = high + 0
  if down < high then before, times = int(math.max(before, high)), int(times + 1) end
  if down ~= high then
    redis.call('SET', PREFIX .. 'high', int(down) .. ',' .. before .. ',' .. times, 'PX', lasts(2592000000))
  end
  return times == '0' and '' or ',0@' .. times
end

-- Writes the subjects that changed. Windows that are empty or over are left out.
local function store(now)
  for hash, of in pairs(subjects) do
    if of.changed then
      local lines, n, expires = {}, 0, 0
      for id, w in pairs(of.windows) do
        local ends = w.ends
        if ends > now and w.used > 0 then
          if ends > expires then expires = ends end
          n = n + 1
          lines[n] = w.calendar and format('%s%d,%d', id, ends, w.used) or line(w)
        end
      end
      if of.kept < #of.raw then
        for id, rest, ends in gmatch(of.raw, '(\n........)((%d*)[^\n]*)') do
          if not of.windows[id] and ends + 0 > now then
            if ends + 0 > expires then expires = ends + 0 end
            n = n + 1
            lines[n] = id .. rest
          end
        end
      end
      if n == 0 then redis.call('DEL', PREFIX .. 'w:' .. hash)
      else redis.call('SET', PREFIX .. 'w:' .. hash, table.concat(lines), 'PX', lasts(expires - now)) end
    end
  end
end
