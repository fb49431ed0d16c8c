-- Time. After a gap in which nobody could renew (Redis was away, or its clock jumped), nothing is
-- reaped for one lease.
local lease = num('lease_ms', 15000)

local function update_hold()
  local seen = num('seen', 0)
  if seen > 0 and (now - seen > lease / 2 or now < seen) then
    set_cfg('hold', now + lease)
    if now < seen then set_cfg('clamp', 1) end
  end
  set_cfg('seen', now)
end

-- The time before which nothing is reaped; a clock that stepped back does not prolong it.
local function hold_until()
  return math.min(num('hold', 0), now + lease)
end

-- The earliest moment at which a STEP would find something: a job due, or a lease to reap.
local function next_event()
  local due = redis.call('ZRANGE', K_delayed, '0', '0', 'WITHSCORES')[2]
  local expiry = redis.call('ZRANGE', K_active, '0', '0', 'WITHSCORES')[2]
  local first = due and tonumber(due) or -1
  if expiry then
    expiry = math.max(tonumber(expiry), hold_until())
    if first < 0 or expiry < first then first = expiry end
  end
  return first
end
