-- Unique keys and sessions whose time is over, a hundred a call.
local function expire_unique()
  local expired = redis.call('ZRANGEBYSCORE', K_uniqexp, '-inf', now, 'LIMIT', 0, 100)
  call_vector('ZREM', K_uniqexp, expired)
  call_vector('HDEL', K_uniq, expired)
end

local function expire_sessions()
  local expired = redis.call('ZRANGEBYSCORE', K_sessexp, '-inf', now, 'LIMIT', 0, 100)
  if #expired == 0 then return end
  for _, packed in ipairs(hash_values(K_sess, expired)) do
    if packed then add_cfg('bytes', -#packed) end
  end
  call_vector('ZREM', K_sessexp, expired)
  call_vector('HDEL', K_sess, expired)
end
