-- Entering and leaving the waiting sets, and rule W. Changes are collected and written by
-- flush_ready(); wake() comes last in every script that writes.
local ready_before = redis.call('ZCARD', K_ready)
local to_ready, to_alone, type_changes = {}, {}, {}
local spare_token = false      -- wakes a runner though ready may be empty

local function count_type(meta, by)
  local number = meta[TYPE]
  type_changes[number] = (type_changes[number] or 0) + by
end

local function enter_ready(id, meta)
  count_type(meta, 1)
  local set = to_ready
  if is_suspect(meta) then
    -- It waits from now on: for the reservation below, and for what people see.
    meta[SINCE] = now - meta[ENQUEUED]
    store(id, meta)
    set, spare_token = to_alone, true
  end
  set[#set + 1] = text_of(score_of(meta))
  set[#set + 1] = id
end

local function flush_ready()
  call_vector('ZADD', K_ready, to_ready)
  call_vector('ZADD', K_alone, to_alone)
  for number, by in pairs(type_changes) do
    if by ~= 0 then redis.call('HINCRBY', K_types, text_of(number), text_of(by)) end
  end
  to_ready, to_alone, type_changes = {}, {}, {}
end

-- A job that is due before all others changes what a sleeping runner waits for.
local function enter_delayed(entries)
  if #entries == 0 then return end
  local first = redis.call('ZRANGE', K_delayed, '0', '0', 'WITHSCORES')[2]
  local earliest = first and tonumber(first) or math.huge
  for i = 1, #entries, 2 do
    if entries[i] < earliest then spare_token = true end
  end
  call_vector('ZADD', K_delayed, entries)
end

local function crossed_power_of_two(before, after)
  local power = 64
  while power <= after do
    if before < power then return true end
    power = power * 2
  end
  return false
end

-- Rule W. A token 'j' stands for a claimable job; 's' is spare (an earlier due time, a suspect, a
-- rate that opens later) and stays until somebody takes it. Answers whether a job could be claimed
-- now, and when the rate opens if only that forbids it (else -1).
local function wake()
  local ready = redis.call('ZCARD', K_ready)
  local max_active = num('max_active', 0)
  local open = ready > 0 and not is_paused() and
    (max_active <= 0 or redis.call('ZCARD', K_active) < max_active)
  local claimable, opens = open, -1
  if open and num('rate_jobs', 0) > 0 and rate_tokens() < 1 then claimable, opens = false, rate_opens() end
  local token = redis.call('LINDEX', K_wake, '0')
  if claimable then
    if not token then redis.call('LPUSH', K_wake, 'j') end
  elseif token == 'j' then
    redis.call('DEL', K_wake)
    token = false
  end
  if spare_token and not token and not claimable and not is_paused() then
    redis.call('LPUSH', K_wake, 's')
  end
  if (ready_before == 0 and ready > 0) or spare_token or
     crossed_power_of_two(ready_before, ready) then
    -- pcall: a user without channel rights must not lose a job.
    redis.pcall('PUBLISH', K_events, 'work')
  end
  return claimable, opens
end
