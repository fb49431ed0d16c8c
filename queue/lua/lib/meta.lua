-- What the queue knows of a job, in as few bytes and calls as can be:
--   T:body  id → envelope, tail. The tail holds what is known at ENQUEUE.
--   T:meta  id → the facts, once they are more than the tail says: is_stored().
--   T:own   while active: the facts and the fence, so that a settlement reads only this.
-- Facts are packed by struct: a third of the time that MessagePack takes. A packed form ends with
-- session and unique key where FLAGS says so.
-- Each of these strings ends with a byte that differs from job to job (seq, epoch): Lua keeps
-- strings in a table by a hash that looks at every n-th byte of a long one, from the last on.
local SINCE, FAILURES, CRASHES, LOSSES, DEFERRALS, BYTES, FLAGS = 1, 2, 3, 4, 5, 6, 7
local PRIORITY, TYPE, ENQUEUED, SEQ, SESSION, UNIQUE = 8, 9, 10, 11, 12, 13
local SUSPECT, STORED, NAMED, TRIED = 1, 2, 4, 8    -- FLAGS; TRIED: something is counted
local TAIL, TAIL_BYTES = '>BBI6I6', 14               -- priority, type's number, enqueued ms, seq
local PACKED, PACKED_BYTES = '>i6I3I3I3BI4BBBI6I6', 35
local SIZE_AT, FLAGS_AT, TAIL_AT = 17, 21, 22        -- in the packed form
local NAMES = 'Bc0Hc0'
local BAND = 35184372088832    -- 2^45: room for the seq below each priority

local function score_of(meta)
  return (255 - meta[PRIORITY]) * BAND + meta[SEQ]
end

local function is_suspect(meta)
  return meta[FLAGS] % 2 == SUSPECT
end
local function is_stored(meta)
  return meta[FLAGS] % 4 >= STORED
end
local function is_named(meta)
  return meta[FLAGS] % 8 >= NAMED
end

local function pack_facts(meta)
  if meta[FLAGS] < TRIED and meta[FAILURES] + meta[CRASHES] + meta[LOSSES] > 0 then
    meta[FLAGS] = meta[FLAGS] + TRIED
  end
  local packed = struct.pack(PACKED, unpack(meta, 1, SEQ))
  if not is_named(meta) then return packed end
  return packed .. struct.pack(NAMES, #meta[SESSION], meta[SESSION], #meta[UNIQUE], meta[UNIQUE])
end
-- Answers the facts and the place behind them.
local function unpack_facts(packed, at)
  local meta = {struct.unpack(PACKED, packed, at)}
  at = meta[SEQ + 1]
  meta[SEQ + 1] = nil
  if is_named(meta) then
    meta[SESSION], meta[UNIQUE], at = struct.unpack(NAMES, packed, at)
  end
  return meta, at
end

local function tail_of(meta)
  return struct.pack(TAIL, meta[PRIORITY], meta[TYPE], meta[ENQUEUED], meta[SEQ])
end
local function from_tail(body)
  local size = #body - TAIL_BYTES
  local priority, type_number, enqueued, seq = struct.unpack(TAIL, body, size + 1)
  return {0, 0, 0, 0, 0, size, 0, priority, type_number, enqueued, seq}
end

-- The facts of jobs that are not active (those of active ones are in T:own); false where there is
-- no such job. Bodies are read only where T:meta has nothing.
local function facts_of(ids)
  local metas, plain = hash_values(K_meta, ids), {}
  for i = 1, #ids do
    if metas[i] then
      metas[i] = (unpack_facts(metas[i], 1))
    else
      plain[#plain + 1] = ids[i]
    end
  end
  local bodies, next_plain = hash_values(K_body, plain), 0
  for i = 1, #ids do
    if not metas[i] then
      next_plain = next_plain + 1
      metas[i] = bodies[next_plain] and from_tail(bodies[next_plain]) or false
    end
  end
  return metas
end

-- Facts that differ from the head; written by flush_facts().
local stored_facts, dropped_facts = {}, {}
local function store(id, meta)
  if not is_stored(meta) then meta[FLAGS] = meta[FLAGS] + STORED end
  stored_facts[#stored_facts + 1] = id
  stored_facts[#stored_facts + 1] = pack_facts(meta)
end
local function unstore(id, meta)
  if is_stored(meta) then dropped_facts[#dropped_facts + 1] = id end
end
local function flush_facts()
  call_vector('HSET', K_meta, stored_facts)
  call_vector('HDEL', K_meta, dropped_facts)
  stored_facts, dropped_facts = {}, {}
end
