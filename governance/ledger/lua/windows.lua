-- Window arithmetic; the same sums as governance/ledger/windows.py, which says why. Milliseconds and whole units.
--
-- All windows of a subject are one text value, one line each:
--   \n <id: 8> <ends>,<used>                                                 calendar: end of the period, counted
--   \n <id: 8> <ends>,<used>,<lead>,<span>,<newest>,<back>,<gap>,<n>,<closed>    rolling
-- ends: when all of it will have left; lead: how much sooner its oldest bucket leaves; newest: amount of the newest
-- bucket; back: how much later than `ends` that one leaves, which is when all of it was given back; span: from its
-- opening to its last charge; gap: from the last charge before it to its opening; closed: the n buckets before it,
-- oldest first, each `<last charge, after that of its predecessor> <amount>|`.
-- In a table, a line is taken apart no further than it must be: used, ends and gone (when the oldest leaves) often do.
local find, match, sub, byte, char, floor = string.find, string.match, string.sub, string.byte, string.char, math.floor
local format, gmatch = string.format, string.gmatch
local BUCKETS, MOST_BUCKETS = 20, 28
local MOST_COUNTED = 9007199254740991

-- Numbers in 64 digits, '0' to 'o'.
local function enc(n)
  local s = ''
  repeat
    local digit = n % 64
    s = char(48 + digit) .. s
    n = (n - digit) / 64
  until n == 0
  return s
end

local function dec(s)
  local n = 0
  for i = 1, #s do n = n * 64 + byte(s, i) - 48 end
  return n
end

-- Lua writes numbers from 1e14 on in a form that cannot be read back exactly.
local function int(n) return format('%d', n) end

-- Charging the newest bucket needs no more than this of a line ...
local function open(w)
  local span, newest, more = match(w.rest, '^(%d*),(%d*),(.*)')
  local period = w.period + 0
  local last = w.ends - period
  w.rest, w.more, w.period, w.newest, w.last, w.start = false, more, period, newest + 0, last, last - span
end

-- ... and everything else needs all of it.
local function unfold(w)
  if w.rest then open(w) end
  if w.more then
    local back, gap, n, closed = match(w.more, '^(%d*),(%d*),(%d*),(.*)')
    w.more, w.n, w.closed = false, n + 0, closed
    w.last, w.start = w.last + back, w.start + back
    w.tail, w.first = w.start - gap, w.gone - w.period
  end
end

local function line(w)
  local ends = w.ends
  if w.rest then return format('%s%d,%d,%d,%s', w.id, ends, w.used, ends - w.gone, w.rest) end
  local more = w.more
    or format('%d,%d,%d,%s', w.last + w.period - ends, w.n > 0 and w.start - w.tail or 0, w.n, w.closed)
  return format('%s%d,%d,%d,%d,%d,%s', w.id, ends, w.used, ends - w.gone, w.last - w.start, w.newest, more)
end

-- The oldest closed bucket has left.
local function pop(w)
  local amount, rest = match(w.closed, '^[^ ]* ([^|]*)|()')
  w.used = w.used - dec(amount)
  w.n = w.n - 1
  w.closed = sub(w.closed, rest)
  if w.n > 0 then w.first = w.first + dec(match(w.closed, '^[^ ]*')) end
end

local function note_ends(w)
  if w.newest > 0 then w.ends = w.last + w.period
  elseif w.used > 0 then w.ends = w.tail + w.period
  else w.ends = 0 end
  if w.n > 0 then w.gone = w.first + w.period
  else w.gone = w.ends end
end

local function roll(w, now)
  unfold(w)
  local horizon = now - w.period
  while w.n > 0 and w.first <= horizon do pop(w) end
  if w.n == 0 and w.last <= horizon then
    w.used = w.used - w.newest
    w.newest = 0
  end
  note_ends(w)
end

-- Closed buckets as {last, amount} pairs, and back.
local function unpacked(w)
  local buckets, last = {}, nil
  for delta, amount in gmatch(w.closed, '([^ ]*) ([^|]*)|') do
    last = last and last + dec(delta) or w.first
    buckets[#buckets + 1] = {last, dec(amount)}
  end
  return buckets
end

local function pack(w, buckets)
  local parts, last = {}, buckets[1][1]
  for i, bucket in ipairs(buckets) do
    parts[i] = enc(bucket[1] - last) .. ' ' .. enc(bucket[2]) .. '|'
    last = bucket[1]
  end
  w.closed, w.n, w.first = table.concat(parts), #buckets, buckets[1][1]
end

local function merge(w, limit)
  local buckets, most, span = unpacked(w), floor(limit / BUCKETS), floor(w.period / BUCKETS)
  while #buckets > BUCKETS do
    local merged, first = {}, 0
    for _, bucket in ipairs(buckets) do
      local before = merged[#merged]
      if before and before[2] + bucket[2] <= most and bucket[1] - first <= span then
        merged[#merged] = {bucket[1], before[2] + bucket[2]}
      else
        merged[#merged + 1] = bucket
        first = bucket[1]
      end
    end
    buckets, most, span = merged, most * 2 + 1, span * 2
  end
  pack(w, buckets)
end

local function close(w, limit)
  if w.n == 0 then
    w.first, w.tail = w.last, w.last
  end
  w.closed = w.closed .. enc(w.last - w.tail) .. ' ' .. enc(w.newest) .. '|'
  w.tail = w.last
  w.n = w.n + 1
  if w.n > MOST_BUCKETS then merge(w, limit) end
  w.gone = w.first + w.period
end

-- An empty window has no history; it is not even stored.
local function begin(w)
  w.more, w.newest, w.n, w.closed, w.last, w.start = false, 0, 0, '', 0, 0
end

-- Returns when it was counted: later than now where the clock went back.
local function charge_rolling(w, now, amount, limit)
  if amount > MOST_COUNTED - w.used then amount = MOST_COUNTED - w.used end
  if amount == 0 then return now end
  if w.rest then open(w) end
  if w.used == 0 then begin(w)
  elseif w.newest == 0 then unfold(w) end
  local alone = w.n == 0 or (w.more and w.gone == w.ends)
  if now < w.last then now = w.last end
  if now ~= w.last and ((now - w.start) * BUCKETS >= w.period or (w.newest + amount) * BUCKETS > limit) then
    if w.newest > 0 then
      unfold(w)
      close(w, limit)
      alone = false
    end
    w.start, w.newest = now, 0
  end
  w.last = now
  w.newest = w.newest + amount
  w.used = w.used + amount
  w.ends = now + w.period
  if alone then w.gone = w.ends end
  return now
end

-- Changes what was counted at `counted`; nothing when that has left the window.
local function adjust_rolling(w, counted, difference, limit, now)
  if counted + w.period <= now or difference == 0 then return end
  difference = math.min(difference, MOST_COUNTED - w.used)
  unfold(w)
  if w.used == 0 then begin(w) end
  if w.n > 0 and w.tail >= counted then
    local buckets = unpacked(w)
    for _, bucket in ipairs(buckets) do
      if bucket[1] >= counted then
        local change = math.max(difference, -bucket[2])
        bucket[2] = bucket[2] + change
        w.used = w.used + change
        pack(w, buckets)
        note_ends(w)
        return
      end
    end
  end
  if w.last >= counted then
    local change = math.max(difference, -w.newest)
    w.newest = w.newest + change
    w.used = w.used + change
    note_ends(w)
  elseif difference > 0 then
    charge_rolling(w, counted, difference, limit)
  end
end

-- When `amount`, at most `limit`, fits if nothing else is counted.
local function room_rolling(w, amount, limit)
  unfold(w)
  local missing = w.used + amount - limit
  if w.n > 0 then
    for _, bucket in ipairs(unpacked(w)) do
      missing = missing - bucket[2]
      if missing <= 0 then return bucket[1] + w.period end
    end
  end
  return w.last + w.period
end
