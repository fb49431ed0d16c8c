--! keys nil cfg ready alone active own held meta res dead delayed workers winfo stat fails types wake events
--! use time base stats meta own ready back
-- ARGV: worker, kind (released|interrupted), leave (0|1), n, then n times: id, epoch.
-- Answers how many were still this worker's.
redis.call('DEL', K_nil)
local worker, kind, leave, n = ARGV[1], ARGV[2], ARGV[3] == '1', tonumber(ARGV[4])
local ids, epochs = {}, {}
for i = 1, n do
  ids[i], epochs[i] = ARGV[3 + i * 2], tonumber(ARGV[4 + i * 2])
end
local released = take_back(ids, owned(worker, ids, epochs), kind, {}, 'stopped by its worker')
if leave then
  redis.call('ZREM', K_workers, worker)
  redis.call('HDEL', K_winfo, worker)
end
flush_ready()
flush_stats()
local cfg = redis.call('HMGET', K_cfg, 'paused', 'max_active')
wake(cfg[1] == '1', tonumber(cfg[2] or 0))
return released
