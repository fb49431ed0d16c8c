--! keys cfg ready alone delayed active own held meta body done dead res wake types
--! use meta
-- Asserts the invariants; answers a line for each violation (the first 50). O(n): for tests and
-- doctor. Each id is looked at once in each structure.
local problems = {}
local function problem(text)
  if #problems < 50 then problems[#problems + 1] = text end
end

local place, types = {}, {}
local sets = {ready = K_ready, alone = K_alone, delayed = K_delayed, active = K_active,
              done = K_done, dead = K_dead}
local sizes = {}
for name, key in pairs(sets) do
  local ids = redis.call('ZRANGE', key, 0, -1)
  sizes[name] = #ids
  for i = 1, #ids do
    if place[ids[i]] then
      problem(ids[i] .. ' is in ' .. place[ids[i]] .. ' and in ' .. name)
    end
    place[ids[i]] = name
  end
end

local metas = redis.call('HGETALL', K_meta)
local meta_of, bytes = {}, 0
for i = 1, #metas, 2 do
  local id, meta = metas[i], cmsgpack.unpack(metas[i + 1])
  meta_of[id] = meta
  bytes = bytes + meta[BYTES]
  if not place[id] then problem(id .. ' has meta but is in no set') end
  if place[id] == 'ready' or place[id] == 'alone' then
    types[meta[TYPE]] = (types[meta[TYPE]] or 0) + 1
    local score = tonumber(redis.call('ZSCORE', sets[place[id]], id))
    if score ~= score_of(meta) then problem(id .. ' waits at another score than its meta says') end
    if (meta[FLAGS] % 2 == SUSPECT) ~= (place[id] == 'alone') then
      problem(id .. ' is in ' .. place[id] .. ' against its suspect flag')
    end
  end
end

local bodies = {}
local body_ids = redis.call('HKEYS', K_body)
for i = 1, #body_ids do
  bodies[body_ids[i]] = true
  if not place[body_ids[i]] then problem(body_ids[i] .. ' has a body but is in no set') end
end
for id, name in pairs(place) do
  if not meta_of[id] then problem(id .. ' is in ' .. name .. ' without meta') end
  if name ~= 'done' and not bodies[id] then problem(id .. ' is in ' .. name .. ' without body') end
end

local owns = redis.call('HGETALL', K_own)
local held = {}
for _, member in ipairs(redis.call('ZRANGE', K_held, 0, -1)) do held[member] = true end
local held_count = 0
for _ in pairs(held) do held_count = held_count + 1 end
for i = 1, #owns, 2 do
  local own = cmsgpack.unpack(owns[i + 1])
  if place[owns[i]] ~= 'active' then problem(owns[i] .. ' is owned but not active') end
  if not held[own[WORKER] .. '/' .. owns[i]] then
    problem(owns[i] .. ' is owned by ' .. own[WORKER] .. ' but not in its held range')
  end
end
if #owns / 2 ~= sizes.active then problem('active and own differ in size') end
if held_count ~= sizes.active then problem('active and held differ in size') end

local results = redis.call('HKEYS', K_res)
for i = 1, #results do
  if not place[results[i]] then problem(results[i] .. ' has a result but is in no set') end
end

local cfg = redis.call('HMGET', K_cfg, 'paused', 'max_active', 'bytes')
if tonumber(cfg[3] or 0) ~= bytes then problem('the byte counter differs from the sum of the jobs') end
local stored = redis.call('HGETALL', K_types)
local counted = {}
for i = 1, #stored, 2 do
  local number = tonumber(stored[i])
  if number then counted[number] = tonumber(stored[i + 1]) end
end
for number = 0, 32 do
  if (types[number] or 0) ~= (counted[number] or 0) then
    problem('the counter of a job type differs from the jobs that wait')
    break
  end
end

local max_active = tonumber(cfg[2] or 0)
local claimable = sizes.ready > 0 and cfg[1] ~= '1' and
  (max_active == 0 or sizes.active < max_active)
local tokens = redis.call('LLEN', K_wake)
if tokens > 1 then problem('rule W: more than one token') end
if claimable and tokens == 0 then problem('rule W: a job could be claimed, and no token says so') end
if not claimable and redis.call('LINDEX', K_wake, 0) == 'j' then
  problem('rule W: a token though no job could be claimed')
end
return problems
