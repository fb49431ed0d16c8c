-- New jobs: of ENQUEUE, and the next step of a chain. Collected by admit(), written by
-- flush_new(). The caller has made sure that the ids are not in use.
local new_bodies, new_delayed = {}, {}

-- The first 32 types have a number of their own; the others share 0.
local type_numbers = {}
local function type_number(name)
  local number = type_numbers[name]
  if number then return number end
  number = tonumber(redis.call('HGET', K_types, '#' .. name) or -1)
  if number < 0 then
    local used = tonumber(redis.call('HGET', K_types, 'used') or 0)
    if used < 32 then
      number = redis.call('HINCRBY', K_types, 'used', 1)
      redis.call('HSET', K_types, '#' .. name, number)
    else
      number = 0
    end
  end
  type_numbers[name] = number
  return number
end

-- session and unique: '' for none. unique is given only when the job itself holds the key.
local function admit(id, priority, delay, type_name, envelope, session, unique)
  local seq = num('seq', 0) + 1
  set_cfg('seq', seq)
  local meta = {delay, 0, 0, 0, 0, #envelope, 0, priority, type_number(type_name), now, seq}
  new_bodies[#new_bodies + 1] = id
  new_bodies[#new_bodies + 1] = envelope .. tail_of(meta)
  add_cfg('bytes', #envelope)
  if session ~= '' or unique ~= '' then
    meta[SESSION], meta[UNIQUE], meta[FLAGS] = session, unique, NAMED
  end
  if delay > 0 or meta[FLAGS] > 0 then store(id, meta) end
  if session ~= '' then touch_session(session, now + delay) end
  if delay > 0 then
    new_delayed[#new_delayed + 1] = now + delay
    new_delayed[#new_delayed + 1] = id
  else
    enter_ready(id, meta)
  end
  count('enqueued', 1)
end

local function flush_new()
  call_vector('HSET', K_body, new_bodies)
  flush_facts()
  enter_delayed(new_delayed)
  flush_ready()
  new_bodies, new_delayed = {}, {}
end
