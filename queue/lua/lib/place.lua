-- Where a job is, for the operations that people ask for by id.
local function place_of(id)
  if redis.call('HEXISTS', K_own, id) == 1 then return 'active' end
  if redis.call('ZSCORE', K_ready, id) then return 'ready', K_ready end
  if redis.call('ZSCORE', K_alone, id) then return 'alone', K_alone end
  if redis.call('ZSCORE', K_delayed, id) then return 'delayed', K_delayed end
  if redis.call('ZSCORE', K_dead, id) then return 'dead', K_dead end
  if redis.call('ZSCORE', K_done, id) then return 'done', K_done end
  return 'unknown'
end
