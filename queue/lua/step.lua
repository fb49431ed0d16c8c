--! keys nil cfg ready alone delayed active own held meta body done dead res uniq sess sessexp workers winfo retire stat fails types wake events
--! use time base cfg stats fence ready done hold worker retire
--! rare meta own rate unique session place new dead back maintain
--! config hash paused paused_by lease_ms seen hold clamp epoch bytes kept solo max_active rate_jobs keep_done_count keep_done_age_ms keep_payloads
-- ARGV: worker, want, c, o, x, then
--   c completions: id, fence, record (MessagePack pairs r: result, d: duration ms), duration ms;
--   o others: id, fence, outcome (fail|stall|crash|defer|bury), error, duration ms, delay ms,
--     chance (0..9999, for the jitter);
--   x extras: place among the completions, MessagePack {v: the session's version as read, d: its new
--     document, n: the next job of the chain as [id, priority, type, envelope, session]}.
-- Answers {now, what was settled otherwise than done (place, word)…, claimed ids…, their owns…,
-- their bodies…, sessions of the claimed (place, version, document)…, retired, paused, claimable,
-- next event, hash}. Places count from 0. Flat, for each table costs.
redis.call('DEL', K_nil)       -- Redis checks maxmemory at a script's first write only
local worker, want = ARGV[1], tonumber(ARGV[2])
local completions, others, extra = tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
local MAX_DEFERRALS = 100
local OVERDUE = 10000          -- ms that a suspect waits before a worker is reserved for it
update_hold()

local settled = {}

-- 1. Settle. The claims (id and fence) are distinct. A STEP that settles nothing makes none of
-- these functions: that would cost more than its claims.
if completions + others > 0 then
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
    local initial = num('backoff_initial_ms', 1000)
    if initial == 0 then return 0 end   -- 0 times infinity is no number
    local delay = math.min(num('backoff_max_ms', 600000), initial *
      num('backoff_factor', 2) ^ (meta[FAILURES] + meta[CRASHES] - 1))
    return math.floor(delay * (1 + num('backoff_jitter_percent', 20) / 100 * chance / 10000))
  end

  local done, results = room_for(2 * completions), room_for(2 * completions)
  local dropped_bodies, delayed = {}, {}
  local completed, freed, busy_ms = 0, 0, 0
  local keep_done = num('keep_done_count', 1000)
  local keep_body = cfg.keep_payloads == '1' and keep_done > 0

  -- A completed job of whom more is known than its tail says, or that has a session or a chain.
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
    if extras and extras.n then enqueue_next(extras.n) end
    if keep_done > 0 then
      local packed = meta[FLAGS] >= TRIED and redis.call('HGET', K_res, id)
      return done_record(pack_facts(meta), record, packed and cmsgpack.unpack(packed).h)
    end
    redis.call('HDEL', K_res, id)
  end

  local KINDS = {fail = 'failed', stall = 'stalled', crash = 'crash', bury = 'dead',
                 cancel = 'cancelled'}
  local function end_otherwise(id, own, outcome, text, duration, delay, chance)
    local meta = own[FACTS]
    local dead, wait = outcome == 'bury', 0
    if own[CANCELLED] == 1 then outcome, dead, text = 'cancel', true, 'cancelled' end
    if outcome == 'defer' then
      wait = delay
      if meta[DEFERRALS] < MAX_DEFERRALS then
        meta[DEFERRALS] = meta[DEFERRALS] + 1
      else
        outcome, text = 'fail', 'deferred more than 100 times: ' .. text
      end
    end
    if outcome == 'fail' or outcome == 'stall' then
      meta[FAILURES] = meta[FAILURES] + 1
      dead = meta[FAILURES] >= num('max_attempts', 5)
      count('failed', 1)
      if outcome == 'stall' then count('stalled', 1) end
      count('busy_ms', duration)
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

  local NO_BYTES_NO_FLAGS = '\0\0\0\0\0'

  local sub, byte, unpack_struct = string.sub, string.byte, struct.unpack
  local total, extras_of, ids = completions + others, {}, room_for(completions + others)
  local first_other = 6 + 4 * completions
  for i = 1, completions do ids[i] = ARGV[4 * i + 2] end
  for i = 1, others do ids[completions + i] = ARGV[first_other + 7 * (i - 1)] end
  for i = 1, extra do
    local at = first_other + 7 * others + 2 * (i - 1)
    extras_of[tonumber(ARGV[at])] = cmsgpack.unpack(ARGV[at + 1])
  end
  while #ids > total do ids[#ids] = nil end
  local owns, gone, held, n = hash_values(K_own, ids), room_for(total), room_for(total), 0
  local prefix, plain_only = worker .. '/', not keep_body and keep_done > 0
  for i = 1, total do
    local id, own, slow, record = ids[i], owns[i], nil, nil
    local is_completion = i <= completions
    local at = is_completion and 4 * i + 2 or first_other + 7 * (i - completions - 1)
    local mine = own and is_owner(own, ARGV[at + 1], worker)
    local plain = mine and plain_only and is_completion and byte(own, FLAGS_AT) == 0 and
      not extras_of[i]
    if mine and not plain then
      slow = unpack_own(own)
      mine = not extras_of[i] or settle_session(i, slow[FACTS][SESSION], extras_of[i])
    end
    if mine then
      n = n + 1
      gone[n], held[n] = id, prefix .. id
      if slow and is_suspect(slow[FACTS]) then add_cfg('solo', -1) end
      if is_completion then
        local duration = tonumber(ARGV[at + 3])
        completed = completed + 1
        busy_ms = busy_ms + duration
        count_ms('duration', duration)
        if plain then
          -- Most jobs: nothing counted, nothing stored. Their facts are copied as they are.
          freed = freed + unpack_struct('>I4', own, SIZE_AT)
          dropped_bodies[#dropped_bodies + 1] = id
          record = done_record(sub(own, 1, SIZE_AT - 1) .. NO_BYTES_NO_FLAGS ..
                               sub(own, TAIL_AT, PACKED_BYTES), ARGV[at + 2])
        else
          record = complete(id, slow[FACTS], ARGV[at + 2], extras_of[i])
        end
        if record then
          results[2 * completed - 1], results[2 * completed] = id, record
          done[2 * completed - 1], done[2 * completed] = now_text, id
        end
      else
        settled[i] = end_otherwise(id, slow, ARGV[at + 2], ARGV[at + 3], tonumber(ARGV[at + 4]),
                                   tonumber(ARGV[at + 5]), tonumber(ARGV[at + 6]))
      end
    elseif not settled[i] then
      settled[i] = 'stale'
      count('stale', 1)
    end
  end
  call_vector('ZREM', K_active, gone, n)
  call_vector('HDEL', K_own, gone, n)
  call_vector('ZREM', K_held, held, n)
  call_vector('HDEL', K_body, dropped_bodies)
  if completed > 0 then
    count('completed', completed)
    count('busy_ms', busy_ms)
    add_cfg('bytes', -freed)
    if keep_done > 0 then
      call_vector('HSET', K_res, results, 2 * completed)
      call_vector('ZADD', K_done, done, 2 * completed)
      trim_done(TRIM + completed)
    end
  end
  if rare then
    flush_attempts()
    flush_facts()
    flush_buried()
    flush_new()
  end
  enter_delayed(delayed)
end

-- 2. and 3. What time asks for.
local due = redis.call('ZRANGE', K_delayed, '0', '0', 'WITHSCORES')[2]
if due and tonumber(due) <= now then promote_due() end
local expiry = redis.call('ZRANGE', K_active, '0', '0', 'WITHSCORES')[2]
if expiry and tonumber(expiry) <= now then reap() end
if num('clamp', 0) > 0 then clamp() end

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
  local waiting = redis.call('ZRANGE', K_alone, '0', '0', 'WITHSCORES')
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
  local head = redis.call('ZRANGE', K_ready, '0', '0', 'WITHSCORES')
  if #head == 0 or overdue or tonumber(waiting[2]) < tonumber(head[2]) then
    if cfg.reserved == worker or redis.call('ZCARD', K_alone) == 1 then set_cfg('reserved', '') end
    return waiting[1], false
  end
  return nil, true
end

local retired = is_retired(pod_of(worker))
local claimed, claimed_owns, claimed_bodies, sessions = {}, {}, {}, {}
local UNTRIED = string.rep('\0', SIZE_AT - 1)   -- since … deferrals

-- A job without its body is impossible, but must not run, nor vanish unsaid.
local function drop_bodiless(ids, bodies)
  local kept, kept_bodies = {}, {}
  for i = 1, #ids do
    if bodies[i] then
      kept[#kept + 1], kept_bodies[#kept_bodies + 1] = ids[i], bodies[i]
    else
      note_failure(ids[i], 'dead', 'its body is missing in Redis')
      redis.call('HDEL', K_meta, ids[i])
    end
  end
  return kept, kept_bodies
end

-- What a job's session adds to the reply.
local function session_bytes(facts)
  local meta = string.byte(facts, FLAGS_AT) % 8 >= NAMED and unpack_facts(facts, 1)
  local session = meta and meta[SESSION] or ''
  return session == '' and 0 or redis.call('HSTRLEN', K_sess, session)
end

-- The ids are a suspect's, or the first of T:ready: as many of those as one reply may carry. A
-- client that cannot take the reply gives all back, and would be handed the same again.
local CLAIM_BYTES = 67108864
local function claim(ids, alone)
  local byte, sub, unpack_struct, pack = string.byte, string.sub, struct.unpack, struct.pack
  local bodies, metas = hash_values(K_body, ids), hash_values(K_meta, ids)
  local fit, bytes, whole = #ids, 0, true
  for i = 1, #ids do
    bytes, whole = bytes + (bodies[i] and #bodies[i] or 0), whole and bodies[i]
    if metas[i] then bytes = bytes + session_bytes(metas[i]) end
    if bytes > CLAIM_BYTES and i > 1 then
      fit = i - 1
      break
    end
  end
  while #ids > fit do ids[#ids], bodies[#bodies] = nil, nil end
  if not alone then redis.call('ZREMRANGEBYRANK', K_ready, '0', text_of(fit - 1)) end
  if not whole then
    ids, bodies = drop_bodiless(ids, bodies)
    metas = hash_values(K_meta, ids)
  end
  local n = #ids
  -- At least the time, in 2048ths of a ms: a server that is empty, or was promoted and had not heard
  -- of the last claims, gives no fence a second time.
  local epoch = math.max(num('epoch', 0), now * 2048)
  local expiry, not_cancelled, prefix = text_of(now + lease), '\0' .. worker, worker .. '/'
  local active, owns, held = room_for(2 * n), room_for(2 * n), room_for(2 * n)
  for i = 1, n do
    local id, body, facts = ids[i], bodies[i], metas[i]
    local since, type_number, session
    if facts then
      local meta = unpack_facts(facts, 1)
      since, type_number, session = meta[ENQUEUED] + meta[SINCE], meta[TYPE], meta[SESSION]
    else
      -- Its tail is how its facts end; nothing else is known of it but its size.
      local size = #body - TAIL_BYTES
      type_number, since = unpack_struct('>BI6', body, size + 2)
      facts = UNTRIED .. pack('>I4B', size, 0) .. sub(body, size + 1)
    end
    type_changes[type_number] = (type_changes[type_number] or 0) - 1
    count_ms('pickup', math.max(0, now - since))
    local own = facts .. not_cancelled .. pack('>I8', epoch + i)
    claimed_owns[i] = own
    active[2 * i - 1], active[2 * i] = expiry, id
    owns[2 * i - 1], owns[2 * i] = id, own
    held[2 * i - 1], held[2 * i] = '0', prefix .. id
    if session and session ~= '' then
      local document = read_session(session) or {-1, ''}
      local m = #sessions
      sessions[m + 1], sessions[m + 2], sessions[m + 3] = i - 1, document[1], document[2]
    end
  end
  claimed, claimed_bodies = ids, bodies
  set_cfg('epoch', epoch + n)
  call_vector('ZADD', K_active, active, 2 * n)
  call_vector('HSET', K_own, owns, 2 * n)
  call_vector('ZADD', K_held, held, 2 * n)
  if num('rate_jobs', 0) > 0 then take_tokens(n) end
  if alone then add_cfg('solo', n) end
  count('started', n)
  flush_ready()
end

if want > 0 and not is_paused() and not retired then
  local room, max_active, rated = want, num('max_active', 0), num('rate_jobs', 0) > 0
  if rated then room = math.min(room, (rate_tokens())) end
  if max_active > 0 then room = math.min(room, max_active - redis.call('ZCARD', K_active)) end
  if room > 0 then
    local suspect, others = choose_suspect()
    if suspect then
      redis.call('ZREM', K_alone, suspect)
      claim({suspect}, true)
    elseif others then
      local first = redis.call('ZRANGE', K_ready, '0', text_of(room - 1))
      if #first > 0 then claim(first, false) end
    end
    -- One that sleeps must learn when the rate opens, for this one may be busy then.
    if rated and #claimed > 0 and rate_tokens() < 1 then spare_token = true end
  end
end

flush_stats()
redis.call('ZADD', K_workers, now_text, worker)
local claimable, opens = wake()
flush_cfg()
local event = next_event()
if opens >= 0 and (event < 0 or opens < event) then event = opens end
local exceptions = {}
for place, word in pairs(settled) do
  exceptions[#exceptions + 1], exceptions[#exceptions + 2] = place - 1, word
end
return {now, exceptions, claimed, claimed_owns, claimed_bodies, sessions, retired and 1 or 0,
        is_paused() and 1 or 0, claimable and 1 or 0, event, cfg.hash or ''}
