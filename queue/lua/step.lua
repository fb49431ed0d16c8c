--! keys nil cfg ready alone delayed active own held meta body done dead res workers retire stat fails types wake events
--! use time base stats meta own ready retain back retire hold
-- ARGV: worker, want, m, then m times: id, epoch, outcome, text, duration ms, delay ms, chance
-- (0..9999, for the jitter). Answers {now, settled…, claimed…, retired, paused, claimable,
-- next event, hash}.
redis.call('DEL', K_nil)       -- Redis checks maxmemory at a script's first write only
local cfg = redis.call('HMGET', K_cfg, 'lease_ms', 'paused', 'max_active', 'seen', 'hold', 'hash',
  'max_attempts', 'max_crashes', 'max_losses', 'backoff_initial_ms', 'backoff_factor',
  'backoff_max_ms', 'backoff_jitter_percent', 'keep_done_count', 'keep_done_age_ms',
  'keep_dead_count', 'keep_dead_age_ms', 'keep_payloads', 'epoch', 'lease_was', 'lease_until')
local worker, want, m = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local lease = tonumber(cfg[1] or 15000)
local paused = cfg[2] == '1'
local max_active = tonumber(cfg[3] or 0)
local limits = {max_attempts = tonumber(cfg[7] or 5), max_crashes = tonumber(cfg[8] or 3),
                max_losses = tonumber(cfg[9] or 20)}
local keep_done = tonumber(cfg[14] or 1000)
local hold = update_hold(lease, tonumber(cfg[4] or 0), tonumber(cfg[5] or 0))

-- 1. Settle.
local settled = {}
if m > 0 then
  local ids, epochs = {}, {}
  for i = 1, m do
    local at = 4 + (i - 1) * 7
    ids[i], epochs[i] = ARGV[at], tonumber(ARGV[at + 1])
  end
  local owns = owned(worker, ids, epochs)
  -- A claim named twice in one call is settled once.
  local seen_ids = {}
  for i = 1, m do
    if owns[i] then
      if seen_ids[ids[i]] then owns[i] = false end
      seen_ids[ids[i]] = true
    end
  end
  local metas = unpack_all(hash_values(K_meta, ids))
  disown(ids, owns)

  local done, results, dropped_bodies, new_metas, forgotten = {}, {}, {}, {}, {}
  local delayed, dead, freed = {}, {}, 0

  local function retry_delay(failures, chance)
    local initial, factor = tonumber(cfg[10] or 1000), tonumber(cfg[11] or 2)
    local delay = math.min(tonumber(cfg[12] or 600000), initial * factor ^ (failures - 1))
    local jitter = tonumber(cfg[13] or 20)
    return math.floor(delay * (1 + jitter / 100 * chance / 10000))
  end

  for i = 1, m do
    local at = 4 + (i - 1) * 7
    local id, outcome, text = ids[i], ARGV[at + 2], ARGV[at + 3]
    local duration, delay, chance =
      tonumber(ARGV[at + 4]), tonumber(ARGV[at + 5]), tonumber(ARGV[at + 6])
    local meta = metas[i]
    if not owns[i] or not meta then
      settled[i] = 'stale'
      count('stale', 1)
    elseif outcome == 'complete' then
      settled[i] = 'done'
      count('completed', 1)
      count('busy_ms', duration)
      count_ms('duration', duration)
      local keep_body = cfg[18] == '1' and keep_done > 0
      if not keep_body then
        dropped_bodies[#dropped_bodies + 1] = id
        freed = freed + meta[BYTES]
        meta[BYTES] = 0
      end
      if keep_done > 0 then
        local doc = {}
        if meta[FAILURES] + meta[CRASHES] + meta[LOSSES] > 0 then
          local packed = redis.call('HGET', K_res, id)
          if packed then doc.h = cmsgpack.unpack(packed).h end
        end
        doc.r = text
        doc.d = duration
        done[#done + 1] = now
        done[#done + 1] = id
        results[#results + 1] = id
        results[#results + 1] = cmsgpack.pack(doc)
        new_metas[#new_metas + 1] = id
        new_metas[#new_metas + 1] = cmsgpack.pack(meta)
      else
        forgotten[#forgotten + 1] = id
      end
    else
      local kind, bury = outcome, outcome == 'bury'
      if outcome == 'defer' then
        meta[DEFERRALS] = meta[DEFERRALS] + 1
        if meta[DEFERRALS] > 100 then
          kind, text = 'fail', 'deferred more than 100 times: ' .. text
        end
      end
      if kind == 'fail' then
        meta[FAILURES] = meta[FAILURES] + 1
        bury = meta[FAILURES] >= limits.max_attempts
        count('failed', 1)
        count('busy_ms', duration)
        count_ms('duration', duration)
      elseif kind == 'crash' then
        meta[CRASHES] = meta[CRASHES] + 1
        bury = meta[CRASHES] > limits.max_crashes
        count('crashed', 1)
      end
      if bury then
        settled[i] = 'dead'
        count('dead', 1)
        dead[#dead + 1] = now
        dead[#dead + 1] = id
      else
        settled[i] = kind == 'defer' and 'deferred' or 'retried'
        count(settled[i], 1)
        local wait = kind == 'defer' and delay or
          retry_delay(meta[FAILURES] + meta[CRASHES], chance)
        delayed[#delayed + 1] = now + wait
        delayed[#delayed + 1] = id
      end
      if kind ~= 'defer' then
        note_failure(id, bury and 'dead' or (kind == 'crash' and 'crash' or 'failed'), text)
        results[#results + 1] = id
        results[#results + 1] = add_history(redis.call('HGET', K_res, id), kind, text, worker)
      end
      new_metas[#new_metas + 1] = id
      new_metas[#new_metas + 1] = cmsgpack.pack(meta)
    end
  end
  call_vector('HDEL', K_body, dropped_bodies)
  call_vector('HDEL', K_meta, forgotten)
  call_vector('HDEL', K_res, forgotten)
  if freed > 0 then redis.call('HINCRBY', K_cfg, 'bytes', -freed) end
  call_vector('HSET', K_meta, new_metas)
  call_vector('HSET', K_res, results)
  enter_delayed(delayed)
  if #done > 0 then
    call_vector('ZADD', K_done, done)
    trim(K_done, keep_done, tonumber(cfg[15] or 86400000))
  end
  if #dead > 0 then
    call_vector('ZADD', K_dead, dead)
    trim(K_dead, tonumber(cfg[16] or 10000), tonumber(cfg[17] or 15552000000))
  end
end

-- 2. Promote what is due.
local due = redis.call('ZRANGEBYSCORE', K_delayed, '-inf', now, 'WITHSCORES', 'LIMIT', 0, 100)
if #due > 0 then
  local ids, times = {}, {}
  for i = 1, #due, 2 do
    ids[#ids + 1] = due[i]
    times[#times + 1] = tonumber(due[i + 1])
  end
  local metas = unpack_all(hash_values(K_meta, ids))
  local seq = redis.call('HINCRBY', K_cfg, 'seq', #ids) - #ids
  local new_metas = {}
  for i = 1, #ids do
    local meta = metas[i]
    if meta then
      seq = seq + 1
      meta[SEQ] = seq
      meta[SINCE] = times[i] - meta[ENQUEUED]
      enter_ready(ids[i], meta)
      new_metas[#new_metas + 1] = ids[i]
      new_metas[#new_metas + 1] = cmsgpack.pack(meta)
    end
  end
  call_vector('ZREM', K_delayed, ids)
  call_vector('HSET', K_meta, new_metas)
end

-- 3. Reap expired leases.
if now >= hold then
  local expired = redis.call('ZRANGEBYSCORE', K_active, '-inf', now, 'LIMIT', 0, 100)
  if #expired > 0 then
    take_back(expired, unpack_all(hash_values(K_own, expired)), 'loss', limits,
              'let its lease lapse')
  end
end
-- An expiry beyond now + lease is impossible; a clock that stepped back leaves such ones. For a
-- while after the lease became shorter, the old one is the bound.
local longest = lease
if now < tonumber(cfg[21] or 0) then longest = math.max(lease, tonumber(cfg[20] or 0)) end
local beyond = redis.call('ZRANGEBYSCORE', K_active, '(' .. string.format('%.0f', now + longest),
                          '+inf', 'LIMIT', 0, 100)
if #beyond > 0 then
  local clamped = {}
  for i = 1, #beyond do
    clamped[#clamped + 1] = now + longest
    clamped[#clamped + 1] = beyond[i]
  end
  call_vector('ZADD', K_active, clamped)
end
flush_ready()
to_ready, to_alone, type_changes = {}, {}, {}

-- 4. Claim.
local retired = is_retired(pod_of(worker))
local room = want
if max_active > 0 then room = math.min(room, max_active - redis.call('ZCARD', K_active)) end
local claimed = {}
if room > 0 and not paused and not retired then
  local ids = {}
  local suspect = redis.call('ZRANGE', K_alone, 0, 0, 'WITHSCORES')
  if #suspect > 0 and
     redis.call('ZLEXCOUNT', K_held, '[' .. worker .. '/', '(' .. worker .. '0') == 0 then
    local head = redis.call('ZRANGE', K_ready, 0, 0, 'WITHSCORES')
    if #head == 0 or tonumber(suspect[2]) < tonumber(head[2]) then
      redis.call('ZREM', K_alone, suspect[1])
      ids[1] = suspect[1]
    end
  end
  local alone = #ids == 1
  if not alone then
    local popped = redis.call('ZPOPMIN', K_ready, room)
    for i = 1, #popped, 2 do ids[#ids + 1] = popped[i] end
  end
  if #ids > 0 then
    local metas, bodies = unpack_all(hash_values(K_meta, ids)), hash_values(K_body, ids)
    -- A missing epoch starts at the time, never at 0: a failover must not repeat one.
    if not cfg[19] then
      redis.call('HSET', K_cfg, 'epoch', math.floor(now / 1000) * 1048576)
    end
    local epoch = redis.call('HINCRBY', K_cfg, 'epoch', #ids) - #ids
    local active, owns, held = {}, {}, {}
    for i = 1, #ids do
      local id, meta = ids[i], metas[i]
      if meta and bodies[i] then
        epoch = epoch + 1
        count_type(meta, -1)
        active[#active + 1] = now + lease
        active[#active + 1] = id
        owns[#owns + 1] = id
        owns[#owns + 1] = cmsgpack.pack({epoch, worker, 0})
        held[#held + 1] = 0
        held[#held + 1] = worker .. '/' .. id
        local waited = math.max(0, now - meta[ENQUEUED] - meta[SINCE])
        count_ms('pickup', waited)
        claimed[#claimed + 1] = {id, epoch, alone and 1 or 0, meta[FAILURES], meta[CRASHES],
                                 meta[LOSSES], waited, bodies[i]}
      end
    end
    call_vector('ZADD', K_active, active)
    call_vector('HSET', K_own, owns)
    call_vector('ZADD', K_held, held)
    flush_ready()
    count('started', #claimed)
  end
end
flush_stats()
redis.call('ZADD', K_workers, now, worker)
local claimable = wake(paused, max_active)
return {now, settled, claimed, retired and 1 or 0, paused and 1 or 0, claimable and 1 or 0,
        next_event(hold), cfg[6] or ''}
