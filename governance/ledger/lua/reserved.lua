-- What open reservations hold in each window of some subjects, of what it still counts. Changes nothing.
--
-- KEYS: records. ARGV: hashes of the subjects.
-- Reply: for each window, its subject's hash and its id in one text, then how much.
local down = clock()

local function still_counted(p, flag, period, later)
  if flag == 'C' or flag == 'c' then return true end
  if #period > 20 then
    local _, ends = period_of(period, p.down)
    return down < (later or ends) + 0
  end
  return (later or p.up) + period > down
end

local sums, reply, wanted = {}, {}, {}
for _, hash in ipairs(ARGV) do wanted[hash] = true end
for _, text in ipairs(redis.call('MGET', unpack(KEYS))) do
  local r = text and load(text)
  if r and r.state == 'o' and r.deadline > down then
    for _, p in ipairs(r.parts) do
      local nth, any = 0, byte(p.blocks) == 44
      for hash, windows in gmatch(p.counted == 'a' and p.blocks or '', '/(......................)([^/]*)') do
        for id, flag, amount, _, period in gmatch((wanted[hash] or any) and windows or '', WINDOW) do
          nth = nth + 1
          if wanted[hash] and still_counted(p, flag, period, later_of(p, nth)) then
            local place = hash .. sub(id, 2)
            sums[place] = (sums[place] or 0) + amount
          end
        end
      end
    end
  end
end
for place, amount in pairs(sums) do
  reply[#reply + 1] = place
  reply[#reply + 1] = amount
end
return reply
