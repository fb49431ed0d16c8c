--! keys nil cfg ready alone delayed active own held meta body done dead res uniq sess sessexp workers winfo retire stat fails types wake events
--! use time base cfg stats meta own rate ready unique session place new retain back hold maintain retire
-- ARGV: worker, want, c, o, then
--   c completions: id, epoch, result, duration ms, extras (empty, or MessagePack {v: the session's
--     version as read, d: its new document, n: the next job of the chain as
--     [id, priority, type, envelope, session]});
--   o others: id, epoch, outcome (fail|stall|crash|defer|bury), error, duration ms, delay ms,
--     chance (0..9999, for the jitter).
-- Answers {now, settled (c, then o)…, claimed (id, own, body)…, sessions of the claimed (index,
-- version, document)…, retired, paused, claimable, next event, hash}: flat, for each table costs.
redis.call('DEL', K_nil)       -- Redis checks maxmemory at a script's first write only
local worker, want = ARGV[1], tonumber(ARGV[2])
local completions, others = tonumber(ARGV[3]), tonumber(ARGV[4])
local MAX_DEFERRALS = 100
local OVERDUE = 10000          -- ms that a suspect waits before a worker is reserved for it
update_hold()

local settled = {}

-- The compare-and-set of a session. A job whose session moved, went or would grow too large stays
-- active: its worker decides. Answers whether the settlement may go on.
local function settle_session(i, session, extras)
  if not extras.d then return true end
  local there = session and session ~= '' and read_session(session)
  if not there then
    settled[i] = {'gone'}
  elseif there[1] ~= extras.v then
    settled[i] = {'conflict', there[1], there[2]}
  elseif #extras.d > num('session_max_bytes', 1048576) then
    settled[i] = {'toobig', num('session_max_bytes', 1048576)}
  else
    write_session(session, extras.v + 1, extras.d)
    touch_session(session, now)
    return true
  end
  return false
end

local chained = {}
local function enqueue_next(next_job)
  local id = next_job[1]
  if chained[id] or redis.call('HEXISTS', K_body, id) == 1 or
     redis.call('HEXISTS', K_res, id) == 1 then
    count('duplicate', 1)
    return
  end
  chained[id] = true
  admit(id, next_job[2], 0, next_job[3], next_job[4], next_job[5], '')
end

local function retry_delay(meta, chance)
  local delay = math.min(num('backoff_max_ms', 600000), num('backoff_initial_ms', 1000) *
    num('backoff_factor', 2) ^ (meta[FAILURES] + meta[CRASHES] - 1))
  return math.floor(delay * (1 + num('backoff_jitter_percent', 20) / 100 * chance / 10000))
end

local done, results, dropped_bodies, delayed, freed = {}, {}, {}, {}, 0
local keep_done = num('keep_done_count', 1000)
local keep_body = cfg.keep_payloads == '1' and keep_done > 0

local busy_ms, completed = 0, 0
local function complete(id, meta, result, duration, extras)
  completed = completed + 1
  busy_ms = busy_ms + duration
  count_ms('duration', duration)
  unstore(id, meta)
  release_unique(id, meta)
  if keep_body then
    add_cfg('kept', 1)
  else
    dropped_bodies[#dropped_bodies + 1] = id
    freed = freed + meta[BYTES]
    meta[BYTES] = 0
  end
  local had_attempts = meta[FAILURES] + meta[CRASHES] + meta[LOSSES] > 0
  if keep_done > 0 then
    local doc = {r = result, d = duration, f = pack_facts(meta)}
    if had_attempts then
      local packed = redis.call('HGET', K_res, id)
      if packed then doc.h = cmsgpack.unpack(packed).h end
    end
    done[#done + 1] = now_text
    done[#done + 1] = id
    results[#results + 1] = id
    results[#results + 1] = cmsgpack.pack(doc)
  else
    redis.call('HDEL', K_res, id)
  end
  if extras and extras.n then enqueue_next(extras.n) end
  return 'done'
end

local KINDS = {fail = 'failed', stall = 'stalled', crash = 'crash', bury = 'dead',
               cancel = 'cancelled'}
local function end_otherwise(id, own, outcome, text, duration, delay, chance)
  local meta = own[FACTS]
  local dead, wait = outcome == 'bury', 0
  if own[CANCELLED] == 1 then outcome, dead, text = 'cancel', true, 'cancelled' end
  if outcome == 'defer' then
    meta[DEFERRALS] = meta[DEFERRALS] + 1
    wait = delay
    if meta[DEFERRALS] > MAX_DEFERRALS then
      outcome, text = 'fail', 'deferred more than 100 times: ' .. text
    end
  end
  if outcome == 'fail' or outcome == 'stall' then
    meta[FAILURES] = meta[FAILURES] + 1
    dead = meta[FAILURES] >= num('max_attempts', 5)
    count('failed', 1)
    if outcome == 'stall' then count('stalled', 1) end
    busy_ms = busy_ms + duration
    count_ms('duration', duration)
  elseif outcome == 'crash' then
    meta[CRASHES] = meta[CRASHES] + 1
    dead = meta[CRASHES] > num('max_crashes', 3)
    count('crashed', 1)
  elseif outcome == 'cancel' then
    count('cancelled', 1)
  end
  if outcome ~= 'defer' then
    note_failure(id, dead and outcome ~= 'cancel' and 'dead' or KINDS[outcome], text)
    remember(id, KINDS[outcome], text, worker)
  end
  if dead then
    bury(id, meta)
    return 'dead'
  end
  if outcome ~= 'defer' then wait = retry_delay(meta, chance) end
  local word = outcome == 'defer' and 'deferred' or 'retried'
  count(word, 1)
  store(id, meta)
  delayed[#delayed + 1] = now + wait
  delayed[#delayed + 1] = id
  return word
end

-- 1. Settle.
if completions + others > 0 then
  local ids, epochs, at_of, extras_of = {}, {}, {}, {}
  local at = 5
  for i = 1, completions + others do
    ids[i], epochs[i], at_of[i] = ARGV[at], tonumber(ARGV[at + 1]), at
    at = at + (i <= completions and 5 or 7)
  end
  local owns, named = owned(worker, ids, epochs), {}
  for i = 1, #ids do
    -- A claim named twice in one call is settled once.
    if named[ids[i]] then owns[i] = false end
    if not owns[i] then
      settled[i] = 'stale'
      count('stale', 1)
    else
      named[ids[i]] = true
      local extras = i <= completions and ARGV[at_of[i] + 4] or ''
      if extras ~= '' then
        extras_of[i] = cmsgpack.unpack(extras)
        if not settle_session(i, owns[i][FACTS][SESSION], extras_of[i]) then owns[i] = false end
      end
    end
  end
  disown(ids, owns)
  for i = 1, #ids do
    local own = owns[i]
    at = at_of[i]
    if not own then
      -- It is stale, or stays active.
    elseif i <= completions then
      settled[i] = complete(ids[i], own[FACTS], ARGV[at + 2], tonumber(ARGV[at + 3]), extras_of[i])
    else
      settled[i] = end_otherwise(ids[i], own, ARGV[at + 2], ARGV[at + 3], tonumber(ARGV[at + 4]),
                                 tonumber(ARGV[at + 5]), tonumber(ARGV[at + 6]))
    end
  end
  count('completed', completed)
  count('busy_ms', busy_ms)
  add_cfg('bytes', -freed)
  call_vector('HDEL', K_body, dropped_bodies)
  call_vector('HSET', K_res, results)
  flush_attempts()
  flush_facts()
  flush_buried()
  enter_delayed(delayed)
  if #done > 0 then
    call_vector('ZADD', K_done, done)
    trim_done(TRIM + #done / 2)
  end
  flush_new()
end

-- 2. and 3. What time asks for.
promote_due()
reap()
clamp()

-- 4. Claim.
local function reservation_stands()
  local by = cfg.reserved or ''
  if by == '' or is_retired(pod_of(by)) then return false end
  local beat = redis.call('ZSCORE', K_workers, by)
  return beat and tonumber(beat) > now - lease
end

-- A suspect runs alone: it goes to a worker that holds nothing, before a job that waits behind it.
-- One that is overdue gets the next such worker, and one worker is kept from other jobs until it
-- is that. Answers the id to run alone, or nil; and whether this worker may claim other jobs.
local function choose_suspect()
  local waiting = redis.call('ZRANGE', K_alone, 0, 0, 'WITHSCORES')
  if #waiting == 0 and num('solo', 0) == 0 then return nil, true end
  local held = holds(worker)
  if held == 1 and num('solo', 0) > 0 then
    local _, owns = held_by(worker)
    local own = owns[1]
    if own and is_suspect(own[FACTS]) then return nil, false end
  end
  if #waiting == 0 then return nil, true end
  local meta = facts_of({waiting[1]})[1]
  local overdue = now - meta[ENQUEUED] - meta[SINCE] >= OVERDUE
  if held > 0 then
    if overdue and not reservation_stands() then set_cfg('reserved', worker) end
    return nil, cfg.reserved ~= worker
  end
  local head = redis.call('ZRANGE', K_ready, 0, 0, 'WITHSCORES')
  if #head == 0 or overdue or tonumber(waiting[2]) < tonumber(head[2]) then
    if cfg.reserved == worker or redis.call('ZCARD', K_alone) == 1 then set_cfg('reserved', '') end
    return waiting[1], false
  end
  return nil, true
end

local retired = is_retired(pod_of(worker))
local claimed, sessions = {}, {}

local function claim(ids, alone)
  local bodies, metas = hash_values(K_body, ids), hash_values(K_meta, ids)
  -- A missing epoch starts at the time, never at 0: a failover must not repeat one.
  local epoch = num('epoch', math.floor(now / 1000) * 1048576)
  local active, owns, held, expiry = {}, {}, {}, text_of(now + lease)
  for i = 1, #ids do
    local id, body, packed = ids[i], bodies[i], metas[i]
    if not body then
      -- Impossible, but a job without its body must not run, nor vanish unsaid.
      note_failure(id, 'dead', 'its body is missing in Redis')
    else
      local meta = packed and unpack_facts(packed, 1) or from_head(body)
      epoch = epoch + 1
      count_type(meta, -1)
      local own = pack_own(epoch, worker, 0, packed or pack_facts(meta))
      local n = #claimed
      claimed[n + 1], claimed[n + 2], claimed[n + 3] = id, own, body
      n = #active
      active[n + 1], active[n + 2] = expiry, id
      owns[n + 1], owns[n + 2] = id, own
      held[n + 1], held[n + 2] = '0', worker .. '/' .. id
      count_ms('pickup', math.max(0, now - meta[ENQUEUED] - meta[SINCE]))
      if meta[SESSION] and meta[SESSION] ~= '' then
        local session = read_session(meta[SESSION]) or {-1, ''}
        n = #sessions
        sessions[n + 1], sessions[n + 2], sessions[n + 3] = #claimed / 3 - 1, session[1], session[2]
      end
    end
  end
  set_cfg('epoch', epoch)
  call_vector('ZADD', K_active, active)
  call_vector('HSET', K_own, owns)
  call_vector('ZADD', K_held, held)
  local started = #active / 2
  take_tokens(started)
  if alone then add_cfg('solo', started) end
  count('started', started)
  flush_ready()
end

if want > 0 and not is_paused() and not retired then
  local room, max_active = math.min(want, (rate_tokens())), num('max_active', 0)
  if max_active > 0 then room = math.min(room, max_active - redis.call('ZCARD', K_active)) end
  if room > 0 then
    local suspect, others = choose_suspect()
    if suspect then
      redis.call('ZREM', K_alone, suspect)
      claim({suspect}, true)
    elseif others then
      local popped = pop_first(K_ready, room)
      if #popped > 0 then claim(popped, false) end
    end
    -- One that sleeps must learn when the rate opens, for this one may be busy then.
    if #claimed > 0 and rate_tokens() < 1 then spare_token = true end
  end
end

flush_stats()
redis.call('ZADD', K_workers, now_text, worker)
local claimable, opens = wake()
flush_cfg()
local event = next_event()
if opens >= 0 and (event < 0 or opens < event) then event = opens end
return {now, settled, claimed, sessions, retired and 1 or 0, is_paused() and 1 or 0,
        claimable and 1 or 0, event, cfg.hash or ''}
