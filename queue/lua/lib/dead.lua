-- Attempts that failed, and the dead: T:dead, T:body, T:meta and T:res.
local HISTORY = 10             -- attempts that T:res remembers

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
