-- After a gap in which nobody could renew (Redis was away, or its clock jumped), nothing is reaped
-- for one lease. Answers the time before which nothing is reaped.
local function update_hold(lease, seen, hold)
  if seen > 0 and (now - seen > lease / 2 or now < seen) then
    hold = now + lease
    redis.call('HSET', K_cfg, 'seen', now, 'hold', hold)
  else
    redis.call('HSET', K_cfg, 'seen', now)
  end
  return math.min(hold, now + lease)
end

-- The earliest moment at which a STEP would find something: a job due, or a lease to reap.
local function next_event(hold)
  local due = redis.call('ZRANGE', K_delayed, 0, 0, 'WITHSCORES')[2]
  local expiry = redis.call('ZRANGE', K_active, 0, 0, 'WITHSCORES')[2]
  local first = due and tonumber(due) or -1
  if expiry then
    expiry = math.max(tonumber(expiry), hold)
    if first < 0 or expiry < first then first = expiry end
  end
  return first
end
