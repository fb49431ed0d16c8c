-- Jobs that leave their worker without a settlement: given back, lost, or crashed.
local HISTORY = 10             -- attempts that T:res remembers
local FAILS = 100              -- entries of T:fails

local function note_failure(id, kind, text)
  redis.call('LPUSH', K_fails, cmsgpack.pack({id, now, kind, string.sub(text, 1, 200)}))
  redis.call('LTRIM', K_fails, 0, FAILS - 1)
end

-- Adds one attempt to a job's result document and answers it packed.
local function add_history(packed, kind, text, worker)
  local doc = packed and cmsgpack.unpack(packed) or {}
  local history = doc.h or {}
  history[#history + 1] = {now, kind, string.sub(text, 1, 200), worker}
  while #history > HISTORY do table.remove(history, 1) end
  doc.h = history
  doc.e = text
  return cmsgpack.pack(doc)
end

-- Takes ids away from whoever holds them. `owns` are theirs, false entries are skipped.
local function disown(ids, owns)
  local gone, held = {}, {}
  for i = 1, #ids do
    if owns[i] then
      gone[#gone + 1] = ids[i]
      held[#held + 1] = owns[i][WORKER] .. '/' .. ids[i]
    end
  end
  call_vector('ZREM', K_active, gone)
  call_vector('HDEL', K_own, gone)
  call_vector('ZREM', K_held, held)
  return gone
end

-- Returns jobs to their old place. kind: 'released' and 'interrupted' count nothing, 'loss' and
-- 'crash' are counted and bury a job that had too many. Answers how many were taken.
local function take_back(ids, owns, kind, limits, reason)
  local gone = disown(ids, owns)
  if #gone == 0 then return 0 end
  local metas = unpack_all(hash_values(K_meta, ids))
  local new_metas, buried = {}, {}
  for i = 1, #ids do
    local meta = owns[i] and metas[i]
    if meta then
      local id, dead, error = ids[i], false, reason
      if kind == 'loss' then
        meta[LOSSES] = meta[LOSSES] + 1
        dead = meta[LOSSES] > limits.max_losses
        error = 'worker lost: ' .. owns[i][WORKER] .. ' ' .. reason
        count('lost', 1)
      elseif kind == 'crash' then
        meta[CRASHES] = meta[CRASHES] + 1
        dead = meta[CRASHES] > limits.max_crashes
        error = 'worker crashed: ' .. owns[i][WORKER] .. ' ' .. reason
        count('crashed', 1)
      elseif kind == 'interrupted' then
        count('interrupted', 1)
      end
      if kind ~= 'released' then
        note_failure(id, kind, error)
        local res = redis.call('HGET', K_res, id)
        redis.call('HSET', K_res, id, add_history(res, kind, error, owns[i][WORKER]))
      end
      if dead then
        buried[#buried + 1] = now
        buried[#buried + 1] = id
        count('dead', 1)
      else
        enter_ready(id, meta)
      end
      new_metas[#new_metas + 1] = id
      new_metas[#new_metas + 1] = cmsgpack.pack(meta)
    end
  end
  call_vector('HSET', K_meta, new_metas)
  call_vector('ZADD', K_dead, buried)
  return #gone
end

-- Everything that the workers in this lexical range hold: {ids, owns}.
local function held_by(prefix, except)
  -- '0' is the character after '/': the range holds exactly what starts with the prefix.
  local members = redis.call('ZRANGEBYLEX', K_held, '[' .. prefix .. '/', '(' .. prefix .. '0',
                             'LIMIT', 0, 500)
  local ids = {}
  for i = 1, #members do
    local worker, id = string.match(members[i], '^(.*)/([^/]*)$')
    if worker ~= except then ids[#ids + 1] = id end
  end
  return ids, unpack_all(hash_values(K_own, ids))
end

local function pod_of(worker)
  return string.match(worker, '^(.*)/[^/]*$') or worker
end
