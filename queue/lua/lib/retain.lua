-- Finished jobs: kept by count and age, at most 200 dropped a call: more than a call adds.
local function forget(ids)
  if #ids == 0 then return end
  local metas = unpack_all(hash_values(K_meta, ids))
  local bodies, bytes = {}, 0
  for i = 1, #ids do
    if metas[i] and metas[i][BYTES] > 0 then
      bodies[#bodies + 1] = ids[i]
      bytes = bytes + metas[i][BYTES]
    end
  end
  call_vector('HDEL', K_body, bodies)
  call_vector('HDEL', K_meta, ids)
  call_vector('HDEL', K_res, ids)
  if bytes > 0 then redis.call('HINCRBY', K_cfg, 'bytes', -bytes) end
end

local function trim(set, keep_count, keep_age)
  local excess = redis.call('ZCARD', set) - keep_count
  if excess > 0 then
    local popped = redis.call('ZPOPMIN', set, math.min(excess, 200))
    local ids = {}
    for i = 1, #popped, 2 do ids[#ids + 1] = popped[i] end
    forget(ids)
  elseif keep_age > 0 then
    local old = redis.call('ZRANGEBYSCORE', set, '-inf', now - keep_age, 'LIMIT', 0, 200)
    if #old > 0 then
      call_vector('ZREM', set, old)
      forget(old)
    end
  end
end
