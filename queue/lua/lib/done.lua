-- Done jobs and what is kept of them: T:done and T:res (result, duration, history and facts), the
-- body only with keep_payloads.
local TRIM = 100               -- finished jobs dropped a call, beside as many as the call adds

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
    ids = redis.call('ZRANGEBYSCORE', K_done, '-inf', text_of(now - keep_age), 'LIMIT', '0',
                     text_of(limit))
    call_vector('ZREM', K_done, ids)
  end
  forget_done(ids)
  return #ids
end
