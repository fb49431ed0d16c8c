-- What the passing of time asks for, at most 100 jobs of each a call.
local BATCH = 100

-- Jobs that are due become ready, at the end of their priority.
local function promote_due()
  local due = redis.call('ZRANGEBYSCORE', K_delayed, '-inf', now, 'WITHSCORES', 'LIMIT', 0, BATCH)
  if #due == 0 then return 0 end
  local ids = members_of(due)
  local metas, seq = facts_of(ids), num('seq', 0)
  for i = 1, #ids do
    seq = seq + 1
    metas[i][SEQ] = seq
    metas[i][SINCE] = tonumber(due[2 * i]) - metas[i][ENQUEUED]
    store(ids[i], metas[i])
    enter_ready(ids[i], metas[i])
  end
  set_cfg('seq', seq)
  call_vector('ZREM', K_delayed, ids)
  flush_facts()
  flush_ready()
  return #ids
end

local function reap()
  if now < hold_until() then return 0 end
  local expired = redis.call('ZRANGEBYSCORE', K_active, '-inf', now, 'LIMIT', 0, BATCH)
  if #expired == 0 then return 0 end
  return take_back(expired, owns_of(expired), 'loss', 'let its lease lapse')
end

-- An expiry beyond now + lease is impossible: a clock that stepped back leaves such ones. For a
-- while after the lease became shorter, the old one is the bound.
local function clamp()
  if num('clamp', 0) == 0 then return end
  local longest = lease
  if now < num('lease_until', 0) then longest = math.max(lease, num('lease_was', 0)) end
  local beyond = redis.call('ZRANGEBYSCORE', K_active, '(' .. text_of(now + longest),
                            '+inf', 'LIMIT', 0, BATCH)
  local clamped, bound = {}, text_of(now + longest)
  for i = 1, #beyond do
    clamped[#clamped + 1] = bound
    clamped[#clamped + 1] = beyond[i]
  end
  call_vector('ZADD', K_active, clamped)
  if #beyond < BATCH then set_cfg('clamp', 0) end
end
