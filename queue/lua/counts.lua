--! keys cfg ready alone delayed active held meta done dead workers winfo retire stat types
--! use time base meta
-- Reads only. ARGV: horizon ms, with worker info (0|1), n, then n pod uids that terminate.
local horizon, with_info, n = tonumber(ARGV[1]), ARGV[2] == '1', tonumber(ARGV[3])
local cfg = redis.call('HMGET', K_cfg, 'hash', 'owner', 'term', 'paused', 'bytes')
local active = redis.call('ZCARD', K_active)

-- Jobs on pods that are on their way out keep running, but do not count as served demand.
local leaving = {}
for i = 1, n do leaving[ARGV[3 + i]] = true end
local retirements = redis.call('HGETALL', K_retire)
for i = 1, #retirements, 2 do
  local retirement = cmsgpack.unpack(retirements[i + 1])
  if retirement[3] == 'person' or retirement[2] > now then leaving[retirements[i]] = true end
end
local serving = active
for pod in pairs(leaving) do
  serving = serving - redis.call('ZLEXCOUNT', K_held, '[' .. pod .. '/', '(' .. pod .. '0')
end

local function since(id)
  local packed = id and redis.call('HGET', K_meta, id)
  if not packed then return now end
  local meta = cmsgpack.unpack(packed)
  return meta[ENQUEUED] + meta[SINCE]
end

-- The oldest among the heads of the priorities in use, eight of them at most.
local oldest = -1
local from = '-inf'
for _ = 1, 8 do
  local head = redis.call('ZRANGEBYSCORE', K_ready, from, '+inf', 'WITHSCORES', 'LIMIT', 0, 1)
  if #head == 0 then break end
  oldest = math.max(oldest, now - since(head[1]))
  from = string.format('%.0f', (math.floor(tonumber(head[2]) / BAND) + 1) * BAND)
end
local suspect = redis.call('ZRANGE', K_alone, 0, 0)
if #suspect > 0 then oldest = math.max(oldest, now - since(suspect[1])) end

local first_due = redis.call('ZRANGE', K_delayed, 0, 0, 'WITHSCORES')[2]

local workers = {}
local beats = redis.call('ZRANGE', K_workers, 0, 1999, 'WITHSCORES')
for i = 1, #beats, 2 do
  local worker = beats[i]
  local pod = string.match(worker, '^(.*)/[^/]*$') or worker
  workers[#workers + 1] = worker
  workers[#workers + 1] = tonumber(beats[i + 1])
  workers[#workers + 1] = redis.call('ZLEXCOUNT', K_held, '[' .. worker .. '/', '(' .. worker .. '0')
  workers[#workers + 1] = leaving[pod] and 1 or 0
  workers[#workers + 1] = with_info and redis.call('HGET', K_winfo, worker) or ''
end

return {now, redis.call('ZCARD', K_ready) + redis.call('ZCARD', K_alone),
        redis.call('ZCOUNT', K_delayed, '-inf', now),
        redis.call('ZCOUNT', K_delayed, '-inf', now + horizon),
        redis.call('ZCARD', K_delayed), active, serving, redis.call('ZCARD', K_dead),
        redis.call('ZCARD', K_done), tonumber(cfg[5] or 0),
        first_due and tonumber(first_due) or -1, oldest, cfg[4] == '1' and 1 or 0,
        cfg[1] and 1 or 0, cfg[1] or '', cfg[2] or '', tonumber(cfg[3] or 0),
        redis.call('HGETALL', K_stat), redis.call('HGETALL', K_types), workers}
