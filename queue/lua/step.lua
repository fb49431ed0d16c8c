--! keys nil cfg ready alone delayed active own held meta body done dead res uniq sess sessexp workers winfo retire stat fails types wake events
--! use time base cfg stats meta own rate ready unique session place new retain back hold maintain retire
-- ARGV: worker, want, c, o, x, then
--   c completions: id, fence, record (MessagePack pairs r: result, d: duration ms), duration ms;
--   o others: id, fence, outcome (fail|stall|crash|defer|bury), error, duration ms, delay ms,
--     chance (0..9999, for the jitter);
--   x extras: place among the completions, MessagePack {v: the session's version as read, d: its new
--     document, n: the next job of the chain as [id, priority, type, envelope, session]}.
-- Answers {now, settled (c, then o)…, claimed (id, own, body)…, sessions of the claimed (index,
-- version, document)…, retired, paused, claimable, next event, hash}: flat, for each table costs.
redis.call('DEL', K_nil)       -- Redis checks maxmemory at a script's first write only
local worker, want = ARGV[1], tonumber(ARGV[2])
local completions, others, extra = tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
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

local function complete(id, meta, record, extras)
  unstore(id, meta)
  release_unique(id, meta)
  if keep_body then
    add_cfg('kept', 1)
  else
    dropped_bodies[#dropped_bodies + 1] = id
    freed = freed + meta[BYTES]
    meta[BYTES] = 0
  end
  if keep_done > 0 then
    local packed = meta[FLAGS] >= TRIED and redis.call('HGET', K_res, id)
    local n = #results
    results[n + 1] = id
    results[n + 2] = done_record(pack_facts(meta), record, packed and cmsgpack.unpack(packed).h)
  else
    redis.call('HDEL', K_res, id)
  end
  if extras and extras.n then enqueue_next(extras.n) end
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
local OWN_BYTES, OWN_FLAGS = FENCE_BYTES + PACKED_BYTES - 4, FENCE_BYTES + PACKED_BYTES
local NO_BYTES_NO_FLAGS = '\0\0\0\0\0'

local function settle()
  local total = completions + others
  local ids, at_of, extras_of = {}, {}, {}
  local at = 6
  for i = 1, total do
    ids[i], at_of[i] = ARGV[at], at
    at = at + (i <= completions and 4 or 7)
  end
  for _ = 1, extra do
    extras_of[tonumber(ARGV[at])] = cmsgpack.unpack(ARGV[at + 1])
    at = at + 2
  end
  local owns, named, gone, held, n = hash_values(K_own, ids), {}, {}, {}, 0
  local prefix, plain_only = worker .. '/', not keep_body and keep_done > 0
  for i = 1, total do
    local id, own, slow = ids[i], owns[i], nil
    at = at_of[i]
    -- A claim named twice in one call is settled once.
    local mine = own and not named[id] and is_owner(own, ARGV[at + 1], worker)
    local plain = mine and plain_only and i <= completions and not extras_of[i] and
      string.byte(own, OWN_FLAGS) == 0
    if mine and not plain then
      slow = unpack_own(own)
      if extras_of[i] and not settle_session(i, slow[FACTS][SESSION], extras_of[i]) then
        mine, named[id] = false, true
      end
    end
    if mine then
      named[id] = true
      n = n + 1
      gone[n], held[n] = id, prefix .. id
      if slow and is_suspect(slow[FACTS]) then add_cfg('solo', -1) end
    elseif not settled[i] then
      settled[i] = 'stale'
      count('stale', 1)
    end
    if mine and i <= completions then
      local duration = tonumber(ARGV[at + 3])
      settled[i] = 'done'
      completed = completed + 1
      busy_ms = busy_ms + duration
      count_ms('duration', duration)
      if plain then
        -- Most jobs: nothing counted, nothing stored. Their facts are copied as they are.
        dropped_bodies[#dropped_bodies + 1] = id
        freed = freed + struct.unpack('>I4', own, OWN_BYTES)
        local facts = string.sub(own, FENCE_BYTES + 1, OWN_BYTES - 1) .. NO_BYTES_NO_FLAGS
        results[2 * completed - 1], results[2 * completed] = id, done_record(facts, ARGV[at + 2])
      else
        complete(id, slow[FACTS], ARGV[at + 2], extras_of[i])
      end
      if keep_done > 0 then
        done[2 * completed - 1], done[2 * completed] = now_text, id
      end
    elseif mine then
      settled[i] = end_otherwise(id, slow, ARGV[at + 2], ARGV[at + 3], tonumber(ARGV[at + 4]),
                                 tonumber(ARGV[at + 5]), tonumber(ARGV[at + 6]))
    end
  end
  call_vector('ZREM', K_active, gone)
  call_vector('HDEL', K_own, gone)
  call_vector('ZREM', K_held, held)
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
if completions + others > 0 then settle() end

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
    return nil, not (overdue and cfg.reserved == worker)
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

local UNTRIED = string.rep('\0', PACKED_BYTES - HEAD_BYTES - 5)   -- since … deferrals

local function claim(ids, alone)
  local bodies, metas = hash_values(K_body, ids), hash_values(K_meta, ids)
  -- At least the time, in 2048ths of a ms: a server that is empty, or was promoted and had not heard
  -- of the last claims, gives no fence a second time.
  local epoch = math.max(num('epoch', 0), now * 2048)
  local active, owns, held, expiry = {}, {}, {}, text_of(now + lease)
  local n, tail, prefix = 0, '\0' .. worker, worker .. '/'
  for i = 1, #ids do
    local id, body, facts = ids[i], bodies[i], metas[i]
    if not body then
      -- Impossible, but a job without its body must not run, nor vanish unsaid.
      note_failure(id, 'dead', 'its body is missing in Redis')
    else
      local since, type_number, session
      if facts then
        local meta = unpack_facts(facts, 1)
        since, type_number, session = meta[ENQUEUED] + meta[SINCE], meta[TYPE], meta[SESSION]
      else
        -- Its head is how its facts begin; nothing else is known of it but its size.
        since, type_number = struct.unpack('>I6', body, 7), string.byte(body, HEAD_BYTES)
        facts = string.sub(body, 1, HEAD_BYTES) .. UNTRIED ..
          struct.pack('>I4B', #body - HEAD_BYTES, 0)
      end
      epoch = epoch + 1
      type_changes[type_number] = (type_changes[type_number] or 0) - 1
      count_ms('pickup', math.max(0, now - since))
      local own = pack_fence(epoch) .. facts .. tail
      claimed[3 * n + 1], claimed[3 * n + 2], claimed[3 * n + 3] = id, own, body
      active[2 * n + 1], active[2 * n + 2] = expiry, id
      owns[2 * n + 1], owns[2 * n + 2] = id, own
      held[2 * n + 1], held[2 * n + 2] = '0', prefix .. id
      if session and session ~= '' then
        local document = read_session(session) or {-1, ''}
        local m = #sessions
        sessions[m + 1], sessions[m + 2], sessions[m + 3] = n, document[1], document[2]
      end
      n = n + 1
    end
  end
  set_cfg('epoch', epoch)
  call_vector('ZADD', K_active, active)
  call_vector('HSET', K_own, owns)
  call_vector('ZADD', K_held, held)
  take_tokens(n)
  if alone then add_cfg('solo', n) end
  count('started', n)
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
