-- Jobs that leave their worker without a settlement: given back, lost, or crashed.
local PAGE = 500               -- taken back a call
local ASIDE = 30000            -- ms that a job waits that could not run where it was

-- Takes ids away from whoever holds them. `owns` are theirs, false entries are skipped.
local function disown(ids, owns)
  local gone, held = {}, {}
  for i = 1, #ids do
    if owns[i] then
      gone[#gone + 1] = ids[i]
      held[#held + 1] = owns[i][WORKER] .. '/' .. ids[i]
      if is_suspect(owns[i][FACTS]) then add_cfg('solo', -1) end
    end
  end
  call_vector('ZREM', K_active, gone)
  call_vector('HDEL', K_own, gone)
  call_vector('ZREM', K_held, held)
  return #gone
end

-- Returns jobs to their old place; answers how many. kind: 'released' and 'interrupted' count
-- nothing, nor does 'aside', but such a job comes later, behind others; 'loss' and 'crash' are
-- counted, and bury a job that had too many; 'suspect' is a loss after which the job runs alone. A
-- cancelled job is buried, whatever happened to its worker.
local function take_back(ids, owns, kind, reason)
  local gone = disown(ids, owns)
  if gone == 0 then return 0 end
  local max_crashes, max_losses = num('max_crashes', 3), num('max_losses', 20)
  local aside = {}
  for i = 1, #ids do
    local own = owns[i]
    if own then
      local id, meta, dead, text, noted = ids[i], own[FACTS], false, reason, kind
      if own[CANCELLED] == 1 then
        dead, text, noted = true, 'cancelled', 'cancelled'
        count('cancelled', 1)
      elseif kind == 'loss' or kind == 'suspect' then
        meta[LOSSES] = meta[LOSSES] + 1
        dead = meta[LOSSES] > max_losses
        text, noted = 'worker lost: ' .. own[WORKER] .. ' ' .. reason, 'loss'
        count('lost', 1)
        if kind == 'suspect' and not is_suspect(meta) then meta[FLAGS] = meta[FLAGS] + SUSPECT end
      elseif kind == 'crash' then
        meta[CRASHES] = meta[CRASHES] + 1
        dead = meta[CRASHES] > max_crashes
        text = 'worker crashed: ' .. own[WORKER] .. ' ' .. reason
        count('crashed', 1)
      elseif kind == 'interrupted' then
        count('interrupted', 1)
      end
      if noted ~= 'released' and noted ~= 'aside' then
        note_failure(id, dead and 'dead' or noted, text)
        remember(id, noted, text, own[WORKER])
      end
      if dead then
        bury(id, meta)
      elseif kind == 'aside' then
        aside[#aside + 1] = now + ASIDE
        aside[#aside + 1] = id
      else
        if noted == 'loss' or noted == 'crash' then store(id, meta) end
        enter_ready(id, meta)
      end
    end
  end
  flush_attempts()
  flush_facts()
  flush_buried()
  enter_delayed(aside)
  flush_ready()
  return gone
end

-- What the workers of this pod, or this worker, hold: {ids, owns, left}, at most PAGE of them, and
-- never all but one: what is left for the next call must not look like a job that ran alone.
local function held_by(name, except)
  -- '0' is the character after '/': the range holds exactly what starts with the name.
  local from, to = '[' .. name .. '/', '(' .. name .. '0'
  local total = redis.call('ZLEXCOUNT', K_held, from, to)
  if except and string.sub(except .. '/', 1, #name + 1) == name .. '/' then
    total = total - redis.call('ZLEXCOUNT', K_held, '[' .. except .. '/', '(' .. except .. '0')
  end
  local want = total == PAGE + 1 and PAGE - 1 or math.min(total, PAGE)
  local ids = {}
  while #ids < want do
    local members = redis.call('ZRANGEBYLEX', K_held, from, to, 'LIMIT', 0, 1000)
    for i = 1, #members do
      local worker, id = string.match(members[i], '^(.*)/([^/]*)$')
      if worker ~= except and #ids < want then ids[#ids + 1] = id end
    end
    if #members < 1000 then break end
    from = '(' .. members[#members]
  end
  return ids, owns_of(ids), total - #ids
end

-- The workers of a pod are gone: one job that ran alone is its worker's crash; of several nobody
-- can say which did it, so each is a loss and runs alone next time. Answers {taken, left}.
local function take_back_crashed(name, except, reason)
  local ids, owns, left = held_by(name, except)
  if #ids <= 1 then return take_back(ids, owns, 'crash', reason .. ' while it ran alone'), left end
  return take_back(ids, owns, 'suspect', reason .. ' with other jobs'), left
end

local function holds(worker)
  return redis.call('ZLEXCOUNT', K_held, '[' .. worker .. '/', '(' .. worker .. '0')
end

local function forget_worker(worker)
  redis.call('ZREM', K_workers, worker)
  redis.call('HDEL', K_winfo, worker)
end
