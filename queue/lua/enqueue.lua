--! keys cfg ready alone delayed active own meta body done dead res uniq uniqexp sess sessexp stat fails types wake events
--! use time base cfg stats ready new
--! rare meta rate unique session expire place
--! config hash owner format paused paused_by seq bytes max_depth max_bytes max_payload max_active rate_jobs
-- ARGV: force (0|1), n, then n times: id, priority, delay in ms, type, options, envelope. Options:
-- empty, or JSON with "unique" and "unique_ms" (0: while the job lives) and "session".
-- Answers {'ok', n states}: 'new', the state of the job that has this id, or {state, id} of the job
-- that has the unique key. Or, and then nothing was taken: {'full', retry ms, what}, {'nopool'},
-- {'toobig', index, bytes, allowed}, {'bad', index, what}, {'format', the queue's}. Index 0: the
-- call itself. Copies of this text live in other people's programs: docs/protocol.md.
local FORMAT = 1
local force, n = ARGV[1] == '1', tonumber(ARGV[2])
if #KEYS ~= 20 or not n or #ARGV ~= 2 + n * 6 then
  return {'bad', 0, 'needs 20 keys, and for each of n jobs 6 arguments'}
end
if n < 1 or n > 500 then return {'bad', 0, 'n: 1 to 500 jobs a call'} end

-- No other write may come before a job's first: Redis checks maxmemory there, and refuses the call.
local function refuse(answer)
  redis.pcall('HINCRBY', K_stat, 'refused', n)
  return answer
end

if num('format', FORMAT) > FORMAT then return refuse({'format', num('format', 0)}) end
if (not cfg.hash or cfg.owner == 'orphaned') and not force then return refuse({'nopool'}) end

local function is_word(text)
  return #text <= 64 and string.find(text, '^[%w._:-]+$') ~= nil
end

local NO_OPTIONS = {unique = '', unique_ms = 0, session = ''}
local function parse_options(text)
  if text == '' then return NO_OPTIONS end
  local fine, options = pcall(cjson.decode, text)
  if not fine or type(options) ~= 'table' then return nil, 'options: not a JSON object' end
  local unique, session = options.unique or '', options.session or ''
  local unique_ms = options.unique_ms or 0
  if type(unique) ~= 'string' or #unique > 256 then
    return nil, 'unique: a text of at most 256 bytes'
  end
  -- JSON is read with NaN in it: that is neither below nor above anything.
  if type(unique_ms) ~= 'number' or not (unique_ms >= 0 and unique_ms <= 315360000000) then
    return nil, 'unique_ms: 0 to 10 years'
  end
  if session ~= '' and (type(session) ~= 'string' or not is_word(session)) then
    return nil, 'session: 1 to 64 of A-Z a-z 0-9 . _ : -'
  end
  return {unique = unique, unique_ms = math.floor(unique_ms), session = session}
end

local max_payload = num('max_payload', 0)
local ids, options_of = {}, {}
for i = 1, n do
  local at = 3 + (i - 1) * 6
  local id, type_name, envelope = ARGV[at], ARGV[at + 3], ARGV[at + 5]
  local priority, delay = tonumber(ARGV[at + 1]), tonumber(ARGV[at + 2])
  if not is_word(id) then return refuse({'bad', i, 'id: 1 to 64 of A-Z a-z 0-9 . _ : -'}) end
  if not priority or priority % 1 ~= 0 or priority < 0 or priority > 255 then
    return refuse({'bad', i, 'priority: 0 to 255'})
  end
  if not delay or delay % 1 ~= 0 or delay < 0 or delay > 315360000000 then
    return refuse({'bad', i, 'delay: 0 ms to 10 years'})
  end
  if not is_word(type_name) then
    return refuse({'bad', i, 'type: 1 to 64 of A-Z a-z 0-9 . _ : -'})
  end
  local line = string.find(envelope, '\n', 1, true)
  if not line then return refuse({'bad', i, 'envelope: a header line, then the payload'}) end
  if line > 67108864 then return refuse({'bad', i, 'envelope: a header of at most 64 MiB'}) end
  local payload = #envelope - line
  if max_payload > 0 and payload > max_payload then
    return refuse({'toobig', i, payload, max_payload})
  end
  local options, problem = parse_options(ARGV[at + 4])
  if not options then return refuse({'bad', i, problem}) end
  ids[i], options_of[i] = id, options
end

-- A job lives while it has a body, or (done) a result.
local bodies, results = hash_values(K_body, ids), hash_values(K_res, ids)
-- first_of: the state that an id of this call will have.
local states, first_of, holder_of = {}, {}, {}
local fresh, fresh_now, fresh_bytes = 0, 0, 0

local function holder(key)
  if holder_of[key] then return holder_of[key] end
  local expiry = redis.call('ZSCORE', K_uniqexp, key)
  if expiry and tonumber(expiry) <= now then return nil end
  return redis.call('HGET', K_uniq, key) or nil
end

for i = 1, n do
  local id, unique, at = ids[i], options_of[i].unique, 3 + (i - 1) * 6
  local by = unique ~= '' and holder(unique)
  if bodies[i] or results[i] then
    states[i] = place_of(id)
  elseif first_of[id] then
    states[i] = first_of[id]
  elseif by then
    states[i] = {first_of[by] or place_of(by), by}
  else
    local later = tonumber(ARGV[at + 2]) > 0
    first_of[id] = later and 'delayed' or 'ready'
    if unique ~= '' then holder_of[unique] = id end
    fresh = fresh + 1
    fresh_bytes = fresh_bytes + #ARGV[at + 5]
    if not later then fresh_now = fresh_now + 1 end
  end
end

local max_depth, max_bytes = num('max_depth', 0), num('max_bytes', 0)
if max_depth > 0 and fresh > 0 then
  local depth = ready_before + redis.call('ZCARD', K_alone) +
    redis.call('ZCOUNT', K_delayed, '-inf', now_text)
  local excess = depth + fresh_now - max_depth
  if excess > 0 then
    -- How long the excess takes: excess * service time / jobs at once, at least a second.
    local stat = redis.call('HMGET', K_stat, 'busy_ms', 'completed')
    local completed = tonumber(stat[2] or 0)
    local service = completed > 0 and tonumber(stat[1] or 0) / completed or 1000
    local slots = math.max(1, redis.call('ZCARD', K_active))
    return refuse({'full', math.max(1000, math.floor(excess * service / slots)), 'depth'})
  end
end
if max_bytes > 0 and fresh > 0 and num('bytes', 0) + fresh_bytes > max_bytes then
  return refuse({'full', 1000, 'bytes'})
end

local uniques, expiries = {}, {}
for i = 1, n do
  if states[i] then
    count('duplicate', 1)
  else
    local id, options, at = ids[i], options_of[i], 3 + (i - 1) * 6
    local unique, unique_ms = options.unique, options.unique_ms
    admit(id, tonumber(ARGV[at + 1]), tonumber(ARGV[at + 2]), ARGV[at + 3], ARGV[at + 5],
          options.session, unique_ms == 0 and unique or '')
    if unique ~= '' then
      uniques[#uniques + 1] = unique
      uniques[#uniques + 1] = id
      if unique_ms > 0 then
        expiries[#expiries + 1] = now + unique_ms
        expiries[#expiries + 1] = unique
      end
    end
    states[i] = 'new'
  end
end
flush_new()
if #uniques > 0 then
  -- A key that a job held until its end may be taken over with an expiry, and the reverse.
  call_vector('ZREM', K_uniqexp, members_of(uniques))
  call_vector('HSET', K_uniq, uniques)
  call_vector('ZADD', K_uniqexp, expiries)
  expire_unique()
end
if fresh > 0 and redis.call('ZCARD', K_sessexp) > 0 then expire_sessions() end
flush_stats()
wake()
flush_cfg()
return {'ok', states}
