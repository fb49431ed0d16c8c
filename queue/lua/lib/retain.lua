-- Finished jobs and what is kept of them. Done: T:done and T:res (result, duration, history and
-- facts), the body only with keep_payloads. Dead: T:dead, body, T:meta and T:res.
local HISTORY = 10             -- attempts that T:res remembers
local TRIM = 100               -- dropped a call, beside as many as the call adds

-- Adds one attempt to a job's result document.
local attempts = {}
local function remember(id, kind, text, worker)
  attempts[#attempts + 1] = {id, {now, kind, string.sub(text, 1, 200), worker}, text}
end
local function flush_attempts()
  if #attempts == 0 then return end
  local ids, results = {}, {}
  for i = 1, #attempts do ids[i] = attempts[i][1] end
  local docs = unpack_all(hash_values(K_res, ids))
  for i = 1, #ids do
    local doc = docs[i] or {}
    local history = doc.h or {}
    history[#history + 1] = attempts[i][2]
    while #history > HISTORY do table.remove(history, 1) end
    doc.h, doc.e = history, attempts[i][3]
    results[2 * i - 1], results[2 * i] = ids[i], cmsgpack.pack(doc)
  end
  call_vector('HSET', K_res, results)
  attempts = {}
end

-- Drops all that is known of jobs that are in no set any more.
local function forget(ids, metas)
  local bytes = 0
  for i = 1, #ids do
    bytes = bytes + metas[i][BYTES]
    release_unique(ids[i], metas[i])
  end
  call_vector('HDEL', K_body, ids)
  call_vector('HDEL', K_meta, ids)
  call_vector('HDEL', K_res, ids)
  return bytes
end

local now_text = text_of(now)
local buried, buried_bytes = {}, 0
-- Puts a job that is in no set among the dead; remember() says why.
local function bury(id, meta)
  buried[#buried + 1] = now_text
  buried[#buried + 1] = id
  buried_bytes = buried_bytes + meta[BYTES]
  store(id, meta)
  release_unique(id, meta)
  count('dead', 1)
end

local function trim_dead(limit)
  local keep_count, keep_age = num('keep_dead_count', 10000), num('keep_dead_age_ms', 15552000000)
  local keep_bytes = num('keep_dead_bytes', 0)   -- 0: as many as there are
  local left, bytes = redis.call('ZCARD', K_dead), num('dead_bytes', 0)
  local oldest = redis.call('ZRANGE', K_dead, 0, 0, 'WITHSCORES')[2]
  local function too_much(finished)
    return left > keep_count or (keep_age > 0 and finished < now - keep_age) or
      (keep_bytes > 0 and bytes > keep_bytes)
  end
  if not oldest or not too_much(tonumber(oldest)) then return 0 end
  local page = redis.call('ZRANGE', K_dead, 0, limit - 1, 'WITHSCORES')
  local ids = members_of(page)
  local metas, dropped = facts_of(ids), {}
  for i = 1, #ids do
    if not too_much(tonumber(page[2 * i])) then break end
    dropped[i] = ids[i]
    left, bytes = left - 1, bytes - metas[i][BYTES]
  end
  call_vector('ZREM', K_dead, dropped)
  add_cfg('dead_bytes', -forget(dropped, metas))
  return #dropped
end

local function flush_buried()
  if #buried == 0 then return end
  flush_attempts()
  flush_facts()
  call_vector('ZADD', K_dead, buried)
  add_cfg('bytes', -buried_bytes)
  add_cfg('dead_bytes', buried_bytes)
  local limit = TRIM + #buried / 2
  buried, buried_bytes = {}, 0
  trim_dead(limit)
end

local function forget_done(ids)
  if #ids == 0 then return end
  if num('kept', 0) > 0 then
    local docs, with_body, bytes = unpack_all(hash_values(K_res, ids)), {}, 0
    for i = 1, #ids do
      local kept = docs[i] and (unpack_facts(docs[i].f, 1))[BYTES] or 0
      if kept > 0 then
        with_body[#with_body + 1] = ids[i]
        bytes = bytes + kept
      end
    end
    call_vector('HDEL', K_body, with_body)
    add_cfg('kept', -#with_body)
    add_cfg('bytes', -bytes)
  end
  call_vector('HDEL', K_res, ids)
end

-- The record of a done job, as MessagePack: the history of earlier attempts, the pairs r (result)
-- and d (duration) that its worker packed, and its facts.
local function done_record(facts, result, history)
  local pairs_before = history and '\132\161h' .. cmsgpack.pack(history) or '\131'
  return pairs_before .. result .. '\161f\218' .. struct.pack('>H', #facts) .. facts
end

local function trim_done(limit)
  local keep_count, keep_age = num('keep_done_count', 1000), num('keep_done_age_ms', 86400000)
  local excess, ids = redis.call('ZCARD', K_done) - keep_count, {}
  if excess > 0 then
    ids = pop_first(K_done, math.min(excess, limit))
  elseif keep_age > 0 then
    ids = redis.call('ZRANGEBYSCORE', K_done, '-inf', text_of(now - keep_age), 'LIMIT', 0, limit)
    call_vector('ZREM', K_done, ids)
  end
  forget_done(ids)
  return #ids
end
