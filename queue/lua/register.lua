--! keys nil cfg ready alone delayed active own held meta body done dead res uniq workers winfo stat fails types wake events
--! use time base cfg stats meta fence own rate ready unique done dead worker back
-- ARGV: worker, info, our format, n, then n times: field, value (the defaults of T:cfg).
-- Answers {'ok', now, jobs taken back, jobs left to take back, T:cfg as a list} or {'format', the
-- queue's}.
redis.call('DEL', K_nil)
local worker, info, format, n = ARGV[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])
if num('format', 0) > format then return {'format', num('format', 0)} end
if not cfg.hash then
  set_cfg('hash', 'standalone')
  set_cfg('owner', 'standalone')
  set_cfg('term', 0)
  set_cfg('format', format)
  for i = 1, n do set_cfg(ARGV[3 + i * 2], ARGV[4 + i * 2]) end
end

-- Earlier incarnations of this pod are gone. One that ended in order holds nothing.
local pod = pod_of(worker)
local taken, left = take_back_crashed(pod, worker, 'ended')
for _, there in ipairs(redis.call('ZRANGE', K_workers, 0, 1999)) do
  if pod_of(there) == pod and there ~= worker then forget_worker(there) end
end
redis.call('ZADD', K_workers, now, worker)
if info ~= '' then redis.call('HSET', K_winfo, worker, info) end
flush_stats()
wake()
flush_cfg()
return {'ok', now, taken, left, redis.call('HGETALL', K_cfg)}
