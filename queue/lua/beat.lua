--! keys nil cfg ready alone delayed active own held meta body done dead res uniq uniqexp sess sessexp workers winfo retire stat fails types wake events
--! use time base cfg stats meta fence own rate ready unique session expire done dead worker back hold retire
--! config hash paused paused_by lease_ms seen hold bytes kept max_active rate_jobs keep_done_count keep_done_age_ms keep_dead_count keep_dead_age_ms keep_dead_bytes dead_bytes
-- ARGV: worker, full (0|1), info, n, p, then n times: id, fence; then p times: id, percent,
-- message. Answers {now, lost…, cancelled…, retired, paused, claimable, next event, hash}.
redis.call('DEL', K_nil)
local worker, full, info = ARGV[1], ARGV[2] == '1', ARGV[3]
local n, p = tonumber(ARGV[4]), tonumber(ARGV[5])
update_hold()

local ids, fences, named = {}, {}, {}
for i = 1, n do
  ids[i], fences[i] = ARGV[4 + i * 2], ARGV[5 + i * 2]
end
local owns = owned(worker, ids, fences)
local renewed, lost, cancelled, expiry = {}, {}, {}, text_of(now + lease)
for i = 1, n do
  if owns[i] then
    named[ids[i]] = true
    renewed[#renewed + 1] = expiry
    renewed[#renewed + 1] = ids[i]
    if owns[i][CANCELLED] == 1 then cancelled[#cancelled + 1] = ids[i] end
  else
    lost[#lost + 1] = ids[i]
  end
end
call_vector('ZADD', K_active, renewed)

if full then
  -- What this worker holds and does not know: claims whose reply was lost. All pages of it: what
  -- it does know may fill the first.
  local from, to, unknown = '[' .. worker .. '/', '(' .. worker .. '0', {}
  repeat
    local members = redis.call('ZRANGEBYLEX', K_held, from, to, 'LIMIT', 0, 1000)
    for i = 1, #members do
      local id = string.sub(members[i], #worker + 2)
      if not named[id] then unknown[#unknown + 1] = id end
    end
    from = '(' .. (members[#members] or '')
  until #members < 1000
  take_back(unknown, owns_of(unknown), 'released', '')
end

if p > 0 then
  local running, at_of = {}, {}
  for i = 1, p do
    local at = 6 + n * 2 + (i - 1) * 3
    if named[ARGV[at]] then
      running[#running + 1] = ARGV[at]
      at_of[#running] = at
    end
  end
  local docs, results = unpack_all(hash_values(K_res, running)), {}
  for i = 1, #running do
    local doc = docs[i] or {}
    doc.p, doc.m = tonumber(ARGV[at_of[i] + 1]), ARGV[at_of[i] + 2]
    results[2 * i - 1], results[2 * i] = running[i], cmsgpack.pack(doc)
  end
  call_vector('HSET', K_res, results)
end

redis.call('ZADD', K_workers, now, worker)
if info ~= '' then redis.call('HSET', K_winfo, worker, info) end
-- Workers that have been silent for long and hold nothing are forgotten, a few a call. Not after a
-- gap, in which none of them could be heard of.
if now >= hold_until() then
  for _, silent in ipairs(redis.call('ZRANGEBYSCORE', K_workers, '-inf', now - 20 * lease, 'LIMIT',
                                     0, 10)) do
    if holds(silent) == 0 then forget_worker(silent) end
  end
end
-- What is kept no longer goes also while no job ends.
trim_done(TRIM)
trim_dead(TRIM)
expire_unique()
expire_sessions()

flush_stats()
local claimable, opens = wake()
flush_cfg()
if not claimable and not is_paused() and redis.call('ZCARD', K_alone) > 0 then
  -- The spare token of a suspect may have been taken by a worker that is busy and must not run it:
  -- an idle one learns of it here.
  claimable = holds(worker) == 0
end
local event = next_event()
if opens >= 0 and (event < 0 or opens < event) then event = opens end
return {now, lost, cancelled, is_retired(pod_of(worker)) and 1 or 0, is_paused() and 1 or 0,
        claimable and 1 or 0, event, cfg.hash or ''}
