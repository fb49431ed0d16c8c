--! keys nil cfg ready alone active own held meta res dead delayed workers winfo retire stat fails types wake events
--! use time base stats meta own ready back retire hold
-- ARGV: worker, full (0|1), info, n, p, then n times: id, epoch; then p times: id, percent, message.
-- Answers {now, lost…, cancelled…, retired, paused, claimable, next event, hash}.
redis.call('DEL', K_nil)
local cfg = redis.call('HMGET', K_cfg, 'lease_ms', 'paused', 'max_active', 'seen', 'hold', 'hash')
local worker, full, info = ARGV[1], ARGV[2] == '1', ARGV[3]
local n, p = tonumber(ARGV[4]), tonumber(ARGV[5])
local lease = tonumber(cfg[1] or 15000)
local paused = cfg[2] == '1'
local max_active = tonumber(cfg[3] or 0)
local hold = update_hold(lease, tonumber(cfg[4] or 0), tonumber(cfg[5] or 0))

local ids, epochs, named = {}, {}, {}
for i = 1, n do
  ids[i], epochs[i] = ARGV[4 + i * 2], tonumber(ARGV[5 + i * 2])
end
local owns = owned(worker, ids, epochs)
local renewed, lost, cancelled = {}, {}, {}
for i = 1, n do
  if owns[i] then
    named[ids[i]] = true
    renewed[#renewed + 1] = now + lease
    renewed[#renewed + 1] = ids[i]
    if owns[i][CANCELLED] == 1 then cancelled[#cancelled + 1] = ids[i] end
  else
    lost[#lost + 1] = ids[i]
  end
end
call_vector('ZADD', K_active, renewed)

if full then
  -- What this worker holds and does not know: claims whose reply was lost.
  local held = held_by(worker, nil)
  local unknown = {}
  for i = 1, #held do
    if not named[held[i]] then unknown[#unknown + 1] = held[i] end
  end
  take_back(unknown, unpack_all(hash_values(K_own, unknown)), 'released', {}, '')
  flush_ready()
end

for i = 1, p do
  local at = 6 + n * 2 + (i - 1) * 3
  if named[ARGV[at]] then
    local packed = redis.call('HGET', K_res, ARGV[at])
    local doc = packed and cmsgpack.unpack(packed) or {}
    doc.p = tonumber(ARGV[at + 1])
    doc.m = ARGV[at + 2]
    redis.call('HSET', K_res, ARGV[at], cmsgpack.pack(doc))
  end
end

redis.call('ZADD', K_workers, now, worker)
if info ~= '' then redis.call('HSET', K_winfo, worker, info) end
-- Workers that have been silent for long and hold nothing are forgotten, a few a call.
local silent = redis.call('ZRANGEBYSCORE', K_workers, '-inf', now - 20 * lease, 'LIMIT', 0, 10)
for i = 1, #silent do
  if redis.call('ZLEXCOUNT', K_held, '[' .. silent[i] .. '/', '(' .. silent[i] .. '0') == 0 then
    redis.call('ZREM', K_workers, silent[i])
    redis.call('HDEL', K_winfo, silent[i])
  end
end

flush_stats()
local retired = is_retired(pod_of(worker))
local claimable = wake(paused, max_active)
if not claimable and not paused and redis.call('ZCARD', K_alone) > 0 then
  -- The spare token of a suspect may have been taken by a worker that is busy and must not run it:
  -- an idle one learns of it here.
  claimable = redis.call('ZLEXCOUNT', K_held, '[' .. worker .. '/', '(' .. worker .. '0') == 0
end
return {now, lost, cancelled, retired and 1 or 0, paused and 1 or 0, claimable and 1 or 0,
        next_event(hold), cfg[6] or ''}
