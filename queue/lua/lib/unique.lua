-- Deduplication: T:uniq key → id. A key with an expiry (T:uniqexp) is held until then, whatever
-- becomes of the job; one without is held by its job while that lives (meta's UNIQUE).
local function release_unique(id, meta)
  local key = meta[UNIQUE]
  if key and key ~= '' and redis.call('HGET', K_uniq, key) == id then
    redis.call('HDEL', K_uniq, key)
  end
end
