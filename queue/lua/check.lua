--! keys cfg ready alone delayed active own held meta body done dead res uniq uniqexp sess sessexp types wake
--! use time base cfg meta fence own rate
-- Asserts the invariants; answers a line for each violation (the first 50). O(n): for tests and
-- doctor. Each id is looked at once in each structure.
local problems = {}
local function problem(text)
  if #problems < 50 then problems[#problems + 1] = text end
end

local function each(key, visit)
  local all = redis.call('HGETALL', key)
  for i = 1, #all, 2 do visit(all[i], all[i + 1]) end
end

-- 1. Every id in exactly one set.
local place, sizes, scores = {}, {}, {}
local sets = {ready = K_ready, alone = K_alone, delayed = K_delayed, active = K_active,
              done = K_done, dead = K_dead}
for name, key in pairs(sets) do
  local members = redis.call('ZRANGE', key, 0, -1, 'WITHSCORES')
  sizes[name] = #members / 2
  for i = 1, #members, 2 do
    local id = members[i]
    if place[id] then problem(id .. ' is in ' .. place[id] .. ' and in ' .. name) end
    place[id], scores[id] = name, tonumber(members[i + 1])
  end
end

-- 3. A body until done, results of nothing else; the facts agree with where the job is.
local facts, bytes, dead_bytes, kept = {}, 0, 0, 0
each(K_body, function(id, body)
  if not place[id] then
    problem(id .. ' has a body but is in no set')
  elseif place[id] ~= 'done' then
    facts[id] = from_tail(body)
  end
end)
each(K_meta, function(id, packed)
  local at = place[id]
  if not at or at == 'done' then
    problem(id .. ' has facts stored but is in ' .. (at or 'no set'))
  elseif facts[id] then
    local meta = (unpack_facts(packed, 1))
    if meta[BYTES] ~= facts[id][BYTES] then problem(id .. ' has a body of another size') end
    if not is_stored(meta) then problem(id .. ' has facts stored that do not say so') end
    facts[id] = meta
  end
end)
each(K_res, function(id, packed)
  if not place[id] then problem(id .. ' has a result but is in no set') end
  if place[id] == 'done' then
    local doc = cmsgpack.unpack(packed)
    if not doc.f then
      problem(id .. ' is done without facts')
    else
      facts[id] = (unpack_facts(doc.f, 1))
      if facts[id][BYTES] > 0 then kept = kept + 1 end
      local has_body = redis.call('HEXISTS', K_body, id) == 1
      if has_body ~= (facts[id][BYTES] > 0) then
        problem(id .. ' is done with a body unaccounted for')
      end
    end
  end
end)

local types, solo, suspects = {}, 0, {}
for id, name in pairs(place) do
  local meta = facts[id]
  if not meta then
    problem(id .. ' is in ' .. name .. ' without ' .. (name == 'done' and 'result' or 'body'))
  else
    if name == 'dead' then
      dead_bytes = dead_bytes + meta[BYTES]
      if not is_stored(meta) then problem(id .. ' is dead without facts stored') end
    else
      bytes = bytes + meta[BYTES]
    end
    if name == 'ready' or name == 'alone' then
      types[meta[TYPE]] = (types[meta[TYPE]] or 0) + 1
      if scores[id] ~= score_of(meta) then
        problem(id .. ' waits at another score than its facts say')
      end
      if is_suspect(meta) ~= (name == 'alone') then
        problem(id .. ' is in ' .. name .. ' against its suspect flag')
      end
    end
  end
end

-- 2. active, own and held are one.
local held, held_count, owned_count = {}, 0, 0
for _, member in ipairs(redis.call('ZRANGE', K_held, 0, -1)) do
  held[member] = true
  held_count = held_count + 1
end
local greatest = 0
each(K_own, function(id, packed)
  local own = unpack_own(packed)
  owned_count = owned_count + 1
  greatest = math.max(greatest, own[EPOCH])
  if place[id] ~= 'active' then problem(id .. ' is owned but not active') end
  if not held[own[WORKER] .. '/' .. id] then
    problem(id .. ' is owned by ' .. own[WORKER] .. ' but not in its held range')
  end
  if is_suspect(own[FACTS]) then
    solo = solo + 1
    suspects[#suspects + 1] = own[WORKER]
  end
  local known = facts[id]
  if known and pack_facts(known) ~= pack_facts(own[FACTS]) then
    problem(id .. ' is owned with other facts than are stored')
  end
end)
if owned_count ~= sizes.active then problem('active and own differ in size') end
if held_count ~= sizes.active then problem('active and held differ in size') end
for _, worker in ipairs(suspects) do
  if redis.call('ZLEXCOUNT', K_held, '[' .. worker .. '/', '(' .. worker .. '0') > 1 then
    problem(worker .. ' runs a suspect beside another job')
  end
end
-- 4. Epochs only grow.
if greatest > num('epoch', 0) then problem('a fence is ahead of the epoch counter') end

-- Counters.
each(K_sess, function(name, packed)
  bytes = bytes + #packed
  if not redis.call('ZSCORE', K_sessexp, name) then
    problem('session ' .. name .. ' never expires')
  end
end)
if num('bytes', 0) ~= bytes then problem('the byte counter differs from the sum of the jobs') end
if num('dead_bytes', 0) ~= dead_bytes then
  problem('the byte counter of the dead differs from their sum')
end
if num('kept', 0) ~= kept then
  problem('the counter of kept payloads differs from the done jobs')
end
if num('solo', 0) ~= solo then
  problem('the counter of running suspects differs from the active jobs')
end
local counted = {}
each(K_types, function(field, value)
  if tonumber(field) then counted[tonumber(field)] = tonumber(value) end
end)
for number = 0, 32 do
  if (types[number] or 0) ~= (counted[number] or 0) then
    problem('the counter of a job type differs from the jobs that wait')
    break
  end
end

-- Unique keys: one without an expiry is held by a living job that knows it.
each(K_uniq, function(key, id)
  if redis.call('ZSCORE', K_uniqexp, key) then return end
  local meta = facts[id]
  if not meta or place[id] == 'done' or place[id] == 'dead' or meta[UNIQUE] ~= key then
    problem('a unique key is held by ' .. id .. ', which does not hold it')
  end
end)

-- 12. Rule W. The passing of time may have opened the rate: then its runners have a time-out.
local max_active = num('max_active', 0)
local open = sizes.ready > 0 and not is_paused() and (max_active <= 0 or sizes.active < max_active)
local tokens = redis.call('LLEN', K_wake)
if tokens > 1 then problem('rule W: more than one token') end
if open and num('rate_jobs', 0) <= 0 and tokens == 0 then
  problem('rule W: a job could be claimed, and no token says so')
end
if (not open or rate_tokens() < 1) and redis.call('LINDEX', K_wake, 0) == 'j' then
  problem('rule W: a token though no job could be claimed')
end
return problems
