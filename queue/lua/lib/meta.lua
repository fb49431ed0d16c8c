-- What the queue knows of a job, in as few bytes and calls as can be:
--   T:body  id → head, envelope. The head holds what is known at ENQUEUE.
--   T:meta  id → the facts, once they are more than the head says: is_stored().
--   T:own   while active: fence, worker and the facts, so that a settlement reads only this.
-- Facts are packed by struct: a third of the time that MessagePack takes. A packed form ends with
-- session and unique key where FLAGS says so.
local SEQ, ENQUEUED, PRIORITY, TYPE, SINCE, FAILURES, CRASHES, LOSSES, DEFERRALS, BYTES, FLAGS,
  SESSION, UNIQUE = 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13
local SUSPECT, STORED, NAMED, TRIED = 1, 2, 4, 8    -- FLAGS; TRIED: something is counted
local HEAD, HEAD_BYTES = '>I6I6BB', 14               -- seq, enqueued ms, priority, type's number
local PACKED, PACKED_BYTES = '>I6I6BBi6I3I3I3BI4B', 35
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
  local packed = struct.pack(PACKED, unpack(meta, 1, FLAGS))
  if not is_named(meta) then return packed end
  return packed .. struct.pack(NAMES, #meta[SESSION], meta[SESSION], #meta[UNIQUE], meta[UNIQUE])
end
-- Answers the facts and the place behind them.
local function unpack_facts(packed, at)
  local meta = {struct.unpack(PACKED, packed, at)}
  at = meta[FLAGS + 1]
  meta[FLAGS + 1] = nil
  if is_named(meta) then
    meta[SESSION], meta[UNIQUE], at = struct.unpack(NAMES, packed, at)
  end
  return meta, at
end

local function head_of(meta)
  return struct.pack(HEAD, meta[SEQ], meta[ENQUEUED], meta[PRIORITY], meta[TYPE])
end
local function from_head(body)
  local seq, enqueued, priority, type_number = struct.unpack(HEAD, body)
  return {seq, enqueued, priority, type_number, 0, 0, 0, 0, 0, #body - HEAD_BYTES, 0}
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
      metas[i] = bodies[next_plain] and from_head(bodies[next_plain]) or false
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
