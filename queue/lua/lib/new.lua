-- New jobs: of ENQUEUE, and the next step of a chain. Collected by admit(), written by
-- flush_new(). The caller has made sure that the ids are not in use.
local new_bodies, new_delayed, new_count, new_bytes, new_seq = {}, {}, 0, 0, nil
local new_facts = false        -- of some of them more is known than their tails say

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
  local seq, number = (new_seq or num('seq', 0)) + 1, type_number(type_name)
  new_seq = seq
  new_bodies[2 * new_count + 1] = id
  new_bodies[2 * new_count + 2] = envelope .. struct.pack(TAIL, priority, number, now, seq)
  new_count, new_bytes = new_count + 1, new_bytes + #envelope
  if delay == 0 and session == '' and unique == '' then
    -- Most jobs: all that is known of them stands at the end of their body.
    local n = #to_ready
    to_ready[n + 1], to_ready[n + 2] = text_of((255 - priority) * BAND + seq), id
    type_changes[number] = (type_changes[number] or 0) + 1
    return
  end
  local meta = {delay, 0, 0, 0, 0, #envelope, 0, priority, number, now, seq}
  if session ~= '' or unique ~= '' then
    meta[SESSION], meta[UNIQUE], meta[FLAGS] = session, unique, NAMED
  end
  if session ~= '' then touch_session(session, now + delay) end
  store(id, meta)
  new_facts = true
  if delay > 0 then
    new_delayed[#new_delayed + 1] = now + delay
    new_delayed[#new_delayed + 1] = id
  else
    enter_ready(id, meta)
  end
end

local function flush_new()
  if new_count == 0 then return end
  call_vector('HSET', K_body, new_bodies)
  set_cfg('seq', new_seq)
  add_cfg('bytes', new_bytes)
  count('enqueued', new_count)
  if new_facts then flush_facts() end
  enter_delayed(new_delayed)
  flush_ready()
  new_bodies, new_delayed, new_count, new_bytes, new_seq = {}, {}, 0, 0, nil
end
