--! keys cfg ready alone delayed active own meta body done dead stat types wake events
--! use time base stats meta ready
-- ARGV: force (0|1), n, then n times: id, priority, delay in ms, type, envelope.
-- Answers {'ok', {id's state, …}} with 'new' for accepted ones and the state of a duplicate, or
-- {'full', retry ms, what}, {'nopool'}, {'toobig', index, bytes, allowed}. Nothing is taken then.
local cfg = redis.call('HMGET', K_cfg, 'hash', 'max_depth', 'max_bytes', 'max_payload', 'bytes',
                       'paused', 'max_active', 'owner')
local force, n = ARGV[1] == '1', tonumber(ARGV[2])

local function refuse(answer)
  redis.pcall('HINCRBY', K_stat, 'refused', n)
  return answer
end

if (not cfg[1] or cfg[8] == 'orphaned') and not force then return refuse({'nopool'}) end
local max_depth = tonumber(cfg[2] or 0)
local max_bytes = tonumber(cfg[3] or 0)
local max_payload = tonumber(cfg[4] or 0)

local ids, index_of = {}, {}
for i = 1, n do
  local at = 3 + (i - 1) * 5
  local body = ARGV[at + 4]
  local payload = #body - (string.find(body, '\n', 1, true) or 0)
  if max_payload > 0 and payload > max_payload then
    return refuse({'toobig', i, payload, max_payload})
  end
  ids[i] = ARGV[at]
end

local known = hash_values(K_meta, ids)
local fresh, fresh_now, fresh_bytes = 0, 0, 0
for i = 1, n do
  local at = 3 + (i - 1) * 5
  if not known[i] and not index_of[ids[i]] then
    index_of[ids[i]] = i
    fresh = fresh + 1
    fresh_bytes = fresh_bytes + #ARGV[at + 4]
    if ARGV[at + 2] == '0' then fresh_now = fresh_now + 1 end
  end
end

if max_depth > 0 and fresh > 0 then
  local depth = ready_before + redis.call('ZCARD', K_alone) +
    redis.call('ZCOUNT', K_delayed, '-inf', now)
  local excess = depth + fresh_now - max_depth
  if excess > 0 then
    -- How long the excess takes: excess * service time / jobs at once, at least a second.
    local stat = redis.call('HMGET', K_stat, 'busy_ms', 'completed')
    local completed = tonumber(stat[2] or 0)
    local service = completed > 0 and tonumber(stat[1] or 0) / completed or 1000
    local slots = math.max(1, redis.call('ZCARD', K_active))
    return refuse({'full', math.max(1000, math.floor(excess * service / slots)), 'depth'})
  end
end
if max_bytes > 0 and fresh > 0 and tonumber(cfg[5] or 0) + fresh_bytes > max_bytes then
  return refuse({'full', 1000, 'bytes'})
end

local function state_of(id)
  if redis.call('HEXISTS', K_own, id) == 1 then return 'active' end
  if redis.call('ZSCORE', K_ready, id) then return 'ready' end
  if redis.call('ZSCORE', K_delayed, id) then return 'delayed' end
  if redis.call('ZSCORE', K_alone, id) then return 'alone' end
  if redis.call('ZSCORE', K_done, id) then return 'done' end
  return 'dead'
end

-- The first 32 types have a number of their own; the others share 0.
local type_numbers = {}
local function type_number(name)
  local number = type_numbers[name]
  if number then return number end
  number = tonumber(redis.call('HGET', K_types, '#' .. name) or -1)
  if number < 0 then
    local used = tonumber(redis.call('HGET', K_types, 'used') or 0)
    if used < 32 then
      number = redis.call('HINCRBY', K_types, 'used', 1)
      redis.call('HSET', K_types, '#' .. name, number)
    else
      number = 0
    end
  end
  type_numbers[name] = number
  return number
end

local states, bodies, metas, delayed = {}, {}, {}, {}
if fresh > 0 then
  -- The first write: where Redis is full it is refused here, and with it the whole call.
  local seq = redis.call('HINCRBY', K_cfg, 'seq', fresh) - fresh
  for i = 1, n do
    local at = 3 + (i - 1) * 5
    local id = ids[i]
    if index_of[id] == i then
      local delay, body = tonumber(ARGV[at + 2]), ARGV[at + 4]
      seq = seq + 1
      local meta = {tonumber(ARGV[at + 1]), seq, now, delay, 0, 0, 0, 0, #body, 0,
                    type_number(ARGV[at + 3])}
      bodies[#bodies + 1] = id
      bodies[#bodies + 1] = body
      metas[#metas + 1] = id
      metas[#metas + 1] = cmsgpack.pack(meta)
      if delay > 0 then
        delayed[#delayed + 1] = now + delay
        delayed[#delayed + 1] = id
      else
        enter_ready(id, meta)
      end
      states[i] = 'new'
    end
  end
  call_vector('HSET', K_body, bodies)
  call_vector('HSET', K_meta, metas)
  redis.call('HINCRBY', K_cfg, 'bytes', fresh_bytes)
  enter_delayed(delayed)
  flush_ready()
  count('enqueued', fresh)
end
for i = 1, n do
  if not states[i] then
    states[i] = state_of(ids[i])
    count('duplicate', 1)
  end
end
flush_stats()
wake(cfg[6] == '1', tonumber(cfg[7] or 0))
return {'ok', states}
