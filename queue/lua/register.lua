--! keys nil cfg ready alone active own held meta res dead delayed workers winfo stat fails types wake events
--! use time base stats meta ready back
-- ARGV: worker, info, our format, n, then n times: field, value (the defaults of T:cfg).
-- Answers {'ok', now, jobs taken back, T:cfg as a list} or {'format', the queue's}.
redis.call('DEL', K_nil)
local worker, info, format, n = ARGV[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])
local there = redis.call('HMGET', K_cfg, 'hash', 'format')
if there[2] and tonumber(there[2]) > format then return {'format', tonumber(there[2])} end
if not there[1] then
  local fields = {'hash', 'standalone', 'owner', 'standalone', 'term', 0, 'format', format}
  for i = 1, n * 2 do fields[#fields + 1] = ARGV[4 + i] end
  redis.call('HSET', K_cfg, unpack(fields))
end

-- Earlier incarnations of this pod are gone. One that ended in order holds nothing.
local cfg = redis.call('HMGET', K_cfg, 'max_crashes', 'max_losses', 'paused', 'max_active')
local limits = {max_crashes = tonumber(cfg[1] or 3), max_losses = tonumber(cfg[2] or 20)}
local pod = pod_of(worker)
local ids, owns = held_by(pod, worker)
local taken
if #ids <= 1 then
  taken = take_back(ids, owns, 'crash', limits, 'ended while it ran this job alone')
else
  -- Nobody can say which of them did it: a loss for each, and each runs alone next time.
  local metas, suspects = unpack_all(hash_values(K_meta, ids)), {}
  for i = 1, #ids do
    if owns[i] and metas[i] and metas[i][FLAGS] % 2 ~= SUSPECT then
      metas[i][FLAGS] = metas[i][FLAGS] + SUSPECT
      suspects[#suspects + 1] = ids[i]
      suspects[#suspects + 1] = cmsgpack.pack(metas[i])
    end
  end
  call_vector('HSET', K_meta, suspects)
  taken = take_back(ids, owns, 'loss', limits, 'ended while it ran several jobs')
end
-- Names are hex: '0' is the character after '/', so this range is this pod's.
local workers = redis.call('ZRANGE', K_workers, 0, 1999)
for i = 1, #workers do
  if pod_of(workers[i]) == pod and workers[i] ~= worker then
    redis.call('ZREM', K_workers, workers[i])
    redis.call('HDEL', K_winfo, workers[i])
  end
end
redis.call('ZADD', K_workers, now, worker)
if info ~= '' then redis.call('HSET', K_winfo, worker, info) end
flush_ready()
flush_stats()
wake(cfg[3] == '1', tonumber(cfg[4] or 0))
return {'ok', now, taken, redis.call('HGETALL', K_cfg)}
