--! keys cfg ready alone delayed active held meta body done dead workers winfo retire stat fails types
--! use time base cfg meta retire
-- Reads only. ARGV: horizon ms, with worker info (0|1), failures newer than this ms (-1: none), n,
-- then n pod uids that terminate.
local horizon, with_info, since_ms = tonumber(ARGV[1]), ARGV[2] == '1', tonumber(ARGV[3])
local n = tonumber(ARGV[4])
local active = redis.call('ZCARD', K_active)

-- Jobs on pods that are on their way out keep running, but do not count as served demand.
local leaving = {}
for i = 1, n do leaving[ARGV[4 + i]] = true end
local retired = {}
local retirements = redis.call('HGETALL', K_retire)
for i = 1, #retirements, 2 do
  local retirement = cmsgpack.unpack(retirements[i + 1])
  if retirement[BY] == 'person' or retirement[UNTIL] > now then
    leaving[retirements[i]] = true
    retired[#retired + 1] = retirements[i]
    retired[#retired + 1] = retirement[BY]
    retired[#retired + 1] = retirement[UNTIL]
    retired[#retired + 1] = 0
  end
end
local serving, held = active, {}
for pod in pairs(leaving) do
  held[pod] = redis.call('ZLEXCOUNT', K_held, '[' .. pod .. '/', '(' .. pod .. '0')
  serving = serving - held[pod]
end
for i = 1, #retired, 4 do retired[i + 3] = held[retired[i]] end

local function since(id)
  local meta = facts_of({id})[1]
  return meta and meta[ENQUEUED] + meta[SINCE] or now
end

-- The oldest among the heads of the priorities in use, eight of them at most.
local oldest = -1
local from = '-inf'
for _ = 1, 8 do
  local head = redis.call('ZRANGEBYSCORE', K_ready, from, '+inf', 'WITHSCORES', 'LIMIT', 0, 1)
  if #head == 0 then break end
  oldest = math.max(oldest, now - since(head[1]))
  from = string.format('%d', (math.floor(tonumber(head[2]) / BAND) + 1) * BAND)
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
  workers[#workers + 1] =
    redis.call('ZLEXCOUNT', K_held, '[' .. worker .. '/', '(' .. worker .. '0')
  workers[#workers + 1] = leaving[pod] and 1 or 0
  workers[#workers + 1] = with_info and redis.call('HGET', K_winfo, worker) or ''
end

local fails = {}
if since_ms >= 0 then
  for _, packed in ipairs(redis.call('LRANGE', K_fails, 0, 99)) do
    local fail = cmsgpack.unpack(packed)
    if fail[2] <= since_ms then break end
    for i = 1, 4 do fails[#fails + 1] = fail[i] end
  end
end

return {now, redis.call('ZCARD', K_ready), redis.call('ZCARD', K_alone),
        redis.call('ZCOUNT', K_delayed, '-inf', now),
        redis.call('ZCOUNT', K_delayed, '-inf', now + horizon),
        redis.call('ZCARD', K_delayed), active, serving, redis.call('ZCARD', K_dead),
        redis.call('ZCARD', K_done), num('bytes', 0), num('dead_bytes', 0),
        first_due and tonumber(first_due) or -1, oldest, is_paused() and 1 or 0,
        cfg.paused_by or '', cfg.hash and 1 or 0, cfg.hash or '', cfg.owner or '', num('term', 0),
        redis.call('HGETALL', K_stat), redis.call('HGETALL', K_types), workers, retired, fails}
