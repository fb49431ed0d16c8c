-- keys: cfg ready alone delayed active own meta body done dead res uniq uniqexp sess sessexp stat fails types wake events
local rare, rarely
local function now_ms()
local time = redis.call('TIME')
return time[1] * 1000 + math.floor(time[2] / 1000)
end
local now = now_ms()
local function text_of(number)
return string.format('%d', number)
end
local now_text = text_of(now)
local function room_for(n)
if n <= 8 then return {0, 0, 0, 0, 0, 0, 0, 0} end
return {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
0, 0}
end
local function call_vector(command, key, values, n)
n = n or #values
for from = 1, n, 4000 do
redis.call(command, key, unpack(values, from, math.min(from + 4000 - 1, n)))
end
end
local function hash_values(key, fields)
if #fields <= 4000 then
return #fields > 0 and redis.call('HMGET', key, unpack(fields)) or {}
end
local values = {}
for from = 1, #fields, 4000 do
local page = redis.call('HMGET', key,
unpack(fields, from, math.min(from + 4000 - 1, #fields)))
for i = 1, #page do values[#values + 1] = page[i] end
end
return values
end
local function unpack_all(packed)
local out = {}
for i = 1, #packed do out[i] = packed[i] and cmsgpack.unpack(packed[i]) or false end
return out
end
local function pop_first(key, n)
local members = redis.call('ZRANGE', key, '0', text_of(n - 1))
if #members > 0 then redis.call('ZREMRANGEBYRANK', key, '0', text_of(#members - 1)) end
return members
end
local function members_of(pairs_with_scores)
local members = {}
for i = 1, #pairs_with_scores, 2 do members[#members + 1] = pairs_with_scores[i] end
return members
end
local first = redis.call('HMGET', KEYS[1], 'hash','owner','format','paused','paused_by','seq','bytes','max_depth','max_bytes','max_payload','max_active','rate_jobs')
local cfg, cfg_changed = {hash=first[1],owner=first[2],format=first[3],paused=first[4],paused_by=first[5],seq=first[6],bytes=first[7],max_depth=first[8],max_bytes=first[9],max_payload=first[10],max_active=first[11],rate_jobs=first[12],}, {}
setmetatable(cfg, {__index = function(_, field)
local fields = {
'hash', 'paused', 'paused_by', 'lease_ms', 'seen', 'hold', 'clamp', 'seq', 'epoch', 'bytes',
'kept', 'solo', 'max_active', 'rate_jobs', 'keep_done_count', 'keep_done_age_ms',
'keep_payloads', 'owner', 'term', 'format', 'lease_was', 'lease_until', 'dead_bytes',
'reserved', 'max_depth', 'max_bytes', 'max_payload', 'rate_per_ms', 'rate_level', 'rate_at',
'max_attempts', 'max_crashes', 'max_losses', 'backoff_initial_ms', 'backoff_factor',
'backoff_max_ms', 'backoff_jitter_percent', 'keep_dead_count', 'keep_dead_age_ms',
'keep_dead_bytes', 'session_max_bytes', 'session_ttl_ms'}
local values = redis.call('HMGET', KEYS[1], unpack(fields))
for i = 1, #fields do
if rawget(cfg, fields[i]) == nil then cfg[fields[i]] = values[i] end
end
return rawget(cfg, field)
end})
local function num(field, default)
return tonumber(cfg[field] or default)
end
local function set_cfg(field, value)
cfg[field] = value
cfg_changed[field] = true
end
local function add_cfg(field, by)
if by ~= 0 then set_cfg(field, num(field, 0) + by) end
end
local function flush_cfg()
local fields = {}
for field in pairs(cfg_changed) do
fields[#fields + 1] = field
local value = cfg[field]
fields[#fields + 1] = type(value) == 'number' and text_of(value) or value
end
call_vector('HSET', KEYS[1], fields)
end
local function is_paused()
return cfg.paused == '1' or (cfg.paused_by or '') ~= ''
end
local stats, fails = {}, {}
local function count(name, by)
stats[name] = (stats[name] or 0) + by
end
local histograms = {duration = {}, pickup = {}}
local function count_ms(name, value)
local _, bucket = math.frexp(value)
local histogram = histograms[name]
histogram[bucket] = (histogram[bucket] or 0) + 1
end
local function note_failure(id, kind, text)
fails[#fails + 1] = cmsgpack.pack({id, now, kind, string.sub(text, 1, 200)})
end
local function flush_stats()
for name, histogram in pairs(histograms) do
for bucket, by in pairs(histogram) do
count(name .. ':' .. text_of(math.min(bucket, 32)), by)
end
end
local names = {}
for name, by in pairs(stats) do
if by ~= 0 then names[#names + 1] = name end
end
if #names == 1 then
redis.call('HINCRBY', KEYS[16], names[1], text_of(stats[names[1]]))
elseif #names > 1 then
local values, fields = hash_values(KEYS[16], names), {}
for i = 1, #names do
fields[2 * i - 1] = names[i]
fields[2 * i] = text_of(tonumber(values[i] or 0) + stats[names[i]])
end
call_vector('HSET', KEYS[16], fields)
end
if #fails > 0 then
call_vector('LPUSH', KEYS[17], fails)
redis.call('LTRIM', KEYS[17], 0, 100 - 1)
end
end
local ready_before = redis.call('ZCARD', KEYS[2])
local to_ready, to_alone, type_changes = {}, {}, {}
local spare_token = false      -- wakes a runner though ready may be empty
local function count_type(meta, by)
local number = meta[9]
type_changes[number] = (type_changes[number] or 0) + by
end
local function enter_ready(id, meta)
count_type(meta, 1)
local set = to_ready
if rarely().is_suspect(meta) then
meta[1] = now - meta[10]
rarely().store(id, meta)
set, spare_token = to_alone, true
end
set[#set + 1] = text_of(rarely().score_of(meta))
set[#set + 1] = id
end
local function flush_ready()
call_vector('ZADD', KEYS[2], to_ready)
call_vector('ZADD', KEYS[3], to_alone)
for number, by in pairs(type_changes) do
if by ~= 0 then redis.call('HINCRBY', KEYS[18], text_of(number), text_of(by)) end
end
to_ready, to_alone, type_changes = {}, {}, {}
end
local function enter_delayed(entries)
if #entries == 0 then return end
local first = redis.call('ZRANGE', KEYS[4], '0', '0', 'WITHSCORES')[2]
local earliest = first and tonumber(first) or math.huge
for i = 1, #entries, 2 do
if entries[i] < earliest then spare_token = true end
end
call_vector('ZADD', KEYS[4], entries)
end
local function crossed_power_of_two(before, after)
local power = 64
while power <= after do
if before < power then return true end
power = power * 2
end
return false
end
local function wake()
local ready = redis.call('ZCARD', KEYS[2])
local max_active = num('max_active', 0)
local open = ready > 0 and not is_paused() and
(max_active <= 0 or redis.call('ZCARD', KEYS[5]) < max_active)
local claimable, opens = open, -1
if open and num('rate_jobs', 0) > 0 and rarely().rate_tokens() < 1 then claimable, opens = false, rarely().rate_opens() end
local token = redis.call('LINDEX', KEYS[19], '0')
if claimable then
if not token then redis.call('LPUSH', KEYS[19], 'j') end
elseif token == 'j' then
redis.call('DEL', KEYS[19])
token = false
end
if spare_token and not token and not claimable and not is_paused() then
redis.call('LPUSH', KEYS[19], 's')
end
if (ready_before == 0 and ready > 0) or spare_token or
crossed_power_of_two(ready_before, ready) then
redis.pcall('PUBLISH', KEYS[20], 'work')
end
return claimable, opens
end
local new_bodies, new_delayed, new_count, new_bytes, new_seq = {}, {}, 0, 0, nil
local new_facts = false        -- of some of them more is known than their tails say
local type_numbers = {}
local function type_number(name)
local number = type_numbers[name]
if number then return number end
number = tonumber(redis.call('HGET', KEYS[18], '#' .. name) or -1)
if number < 0 then
local used = tonumber(redis.call('HGET', KEYS[18], 'used') or 0)
if used < 32 then
number = redis.call('HINCRBY', KEYS[18], 'used', 1)
redis.call('HSET', KEYS[18], '#' .. name, number)
else
number = 0
end
end
type_numbers[name] = number
return number
end
local function admit(id, priority, delay, type_name, envelope, session, unique)
local seq, number = (new_seq or num('seq', 0)) + 1, type_number(type_name)
new_seq = seq
new_bodies[2 * new_count + 1] = id
new_bodies[2 * new_count + 2] = envelope .. struct.pack('>BBI6I6', priority, number, now, seq)
new_count, new_bytes = new_count + 1, new_bytes + #envelope
if delay == 0 and session == '' and unique == '' then
local n = #to_ready
to_ready[n + 1], to_ready[n + 2] = text_of((255 - priority) * 35184372088832 + seq), id
type_changes[number] = (type_changes[number] or 0) + 1
return
end
local meta = {delay, 0, 0, 0, 0, #envelope, 0, priority, number, now, seq}
if session ~= '' or unique ~= '' then
meta[12], meta[13], meta[7] = session, unique, 4
end
if session ~= '' then rarely().touch_session(session, now + delay) end
rarely().store(id, meta)
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
call_vector('HSET', KEYS[8], new_bodies)
set_cfg('seq', new_seq)
add_cfg('bytes', new_bytes)
count('enqueued', new_count)
if new_facts then rarely().flush_facts() end
enter_delayed(new_delayed)
flush_ready()
new_bodies, new_delayed, new_count, new_bytes, new_seq = {}, {}, 0, 0, nil
end
rarely=function()
if rare then return rare end
local function score_of(meta)
return (255 - meta[8]) * 35184372088832 + meta[11]
end
local function is_suspect(meta)
return meta[7] % 2 == 1
end
local function is_stored(meta)
return meta[7] % 4 >= 2
end
local function is_named(meta)
return meta[7] % 8 >= 4
end
local function pack_facts(meta)
if meta[7] < 8 and meta[2] + meta[3] + meta[4] > 0 then
meta[7] = meta[7] + 8
end
local packed = struct.pack('>i6I3I3I3BI4BBBI6I6', unpack(meta, 1, 11))
if not is_named(meta) then return packed end
return packed .. struct.pack('Bc0Hc0', #meta[12], meta[12], #meta[13], meta[13])
end
local function unpack_facts(packed, at)
local meta = {struct.unpack('>i6I3I3I3BI4BBBI6I6', packed, at)}
at = meta[11 + 1]
meta[11 + 1] = nil
if is_named(meta) then
meta[12], meta[13], at = struct.unpack('Bc0Hc0', packed, at)
end
return meta, at
end
local function tail_of(meta)
return struct.pack('>BBI6I6', meta[8], meta[9], meta[10], meta[11])
end
local function from_tail(body)
local size = #body - 14
local priority, type_number, enqueued, seq = struct.unpack('>BBI6I6', body, size + 1)
return {0, 0, 0, 0, 0, size, 0, priority, type_number, enqueued, seq}
end
local function facts_of(ids)
local metas, plain = hash_values(KEYS[7], ids), {}
for i = 1, #ids do
if metas[i] then
metas[i] = (unpack_facts(metas[i], 1))
else
plain[#plain + 1] = ids[i]
end
end
local bodies, next_plain = hash_values(KEYS[8], plain), 0
for i = 1, #ids do
if not metas[i] then
next_plain = next_plain + 1
metas[i] = bodies[next_plain] and from_tail(bodies[next_plain]) or false
end
end
return metas
end
local stored_facts, dropped_facts = {}, {}
local function store(id, meta)
if not is_stored(meta) then meta[7] = meta[7] + 2 end
stored_facts[#stored_facts + 1] = id
stored_facts[#stored_facts + 1] = pack_facts(meta)
end
local function unstore(id, meta)
if is_stored(meta) then dropped_facts[#dropped_facts + 1] = id end
end
local function flush_facts()
call_vector('HSET', KEYS[7], stored_facts)
call_vector('HDEL', KEYS[7], dropped_facts)
stored_facts, dropped_facts = {}, {}
end
local function rate_tokens()
local jobs, per = num('rate_jobs', 0), num('rate_per_ms', 1000)
if jobs <= 0 then return math.huge end
if num('rate_at', now) > now then set_cfg('rate_at', now) end
local grown = num('rate_level', jobs * per) + (now - num('rate_at', now)) * jobs
local level = math.min(jobs * per, grown)
return math.floor(level / per), level
end
local function take_tokens(n)
local tokens, level = rate_tokens()
if tokens == math.huge or n == 0 then return end
set_cfg('rate_level', level - n * num('rate_per_ms', 1000))
set_cfg('rate_at', now)
end
local function rate_opens()
local _, level = rate_tokens()
return now + math.ceil((num('rate_per_ms', 1000) - level) / num('rate_jobs', 1))
end
local function release_unique(id, meta)
local key = meta[13]
if key and key ~= '' and redis.call('HGET', KEYS[12], key) == id then
redis.call('HDEL', KEYS[12], key)
end
end
local function read_session(name)
local expiry = redis.call('ZSCORE', KEYS[15], name)
if not expiry or tonumber(expiry) <= now then return false end
local packed = redis.call('HGET', KEYS[14], name)
return packed and cmsgpack.unpack(packed) or false
end
local function write_session(name, version, document)
local before = redis.call('HSTRLEN', KEYS[14], name)
local packed = cmsgpack.pack({version, document})
redis.call('HSET', KEYS[14], name, packed)
add_cfg('bytes', #packed - before)
end
local function touch_session(name, until_ms)
if not read_session(name) then
local time = redis.call('TIME')
write_session(name, time[1] * 1000000 + time[2], '{}')
end
local expiry = until_ms + num('session_ttl_ms', 86400000)
local there = redis.call('ZSCORE', KEYS[15], name)
if not there or tonumber(there) < expiry then redis.call('ZADD', KEYS[15], expiry, name) end
end
local function expire_unique()
local expired = redis.call('ZRANGEBYSCORE', KEYS[13], '-inf', now, 'LIMIT', 0, 100)
call_vector('ZREM', KEYS[13], expired)
call_vector('HDEL', KEYS[12], expired)
end
local function expire_sessions()
local expired = redis.call('ZRANGEBYSCORE', KEYS[15], '-inf', now, 'LIMIT', 0, 100)
if #expired == 0 then return end
for _, packed in ipairs(hash_values(KEYS[14], expired)) do
if packed then add_cfg('bytes', -#packed) end
end
call_vector('ZREM', KEYS[15], expired)
call_vector('HDEL', KEYS[14], expired)
end
local function place_of(id)
if redis.call('HEXISTS', KEYS[6], id) == 1 then return 'active' end
if redis.call('ZSCORE', KEYS[2], id) then return 'ready', KEYS[2] end
if redis.call('ZSCORE', KEYS[3], id) then return 'alone', KEYS[3] end
if redis.call('ZSCORE', KEYS[4], id) then return 'delayed', KEYS[4] end
if redis.call('ZSCORE', KEYS[10], id) then return 'dead', KEYS[10] end
if redis.call('ZSCORE', KEYS[9], id) then return 'done', KEYS[9] end
return 'unknown'
end
rare={score_of=score_of,is_suspect=is_suspect,is_stored=is_stored,is_named=is_named,pack_facts=pack_facts,unpack_facts=unpack_facts,tail_of=tail_of,from_tail=from_tail,facts_of=facts_of,store=store,unstore=unstore,flush_facts=flush_facts,rate_tokens=rate_tokens,take_tokens=take_tokens,rate_opens=rate_opens,release_unique=release_unique,read_session=read_session,write_session=write_session,touch_session=touch_session,expire_unique=expire_unique,expire_sessions=expire_sessions,place_of=place_of,}
return rare
end
local force, n = ARGV[1] == '1', tonumber(ARGV[2])
if #KEYS ~= 20 or not n or #ARGV ~= 2 + n * 6 then
return {'bad', 0, 'needs 20 keys, and for each of n jobs 6 arguments'}
end
if n < 1 or n > 500 then return {'bad', 0, 'n: 1 to 500 jobs a call'} end
local function refuse(answer)
redis.pcall('HINCRBY', KEYS[16], 'refused', n)
return answer
end
if num('format', 1) > 1 then return refuse({'format', num('format', 0)}) end
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
local bodies, results = hash_values(KEYS[8], ids), hash_values(KEYS[11], ids)
local states, first_of, holder_of = {}, {}, {}
local fresh, fresh_now, fresh_bytes = 0, 0, 0
local function holder(key)
if holder_of[key] then return holder_of[key] end
local expiry = redis.call('ZSCORE', KEYS[13], key)
if expiry and tonumber(expiry) <= now then return nil end
return redis.call('HGET', KEYS[12], key) or nil
end
for i = 1, n do
local id, unique, at = ids[i], options_of[i].unique, 3 + (i - 1) * 6
local by = unique ~= '' and holder(unique)
if bodies[i] or results[i] then
states[i] = rarely().place_of(id)
elseif first_of[id] then
states[i] = first_of[id]
elseif by then
states[i] = {first_of[by] or rarely().place_of(by), by}
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
local depth = ready_before + redis.call('ZCARD', KEYS[3]) +
redis.call('ZCOUNT', KEYS[4], '-inf', now_text)
local excess = depth + fresh_now - max_depth
if excess > 0 then
local stat = redis.call('HMGET', KEYS[16], 'busy_ms', 'completed')
local completed = tonumber(stat[2] or 0)
local service = completed > 0 and tonumber(stat[1] or 0) / completed or 1000
local slots = math.max(1, redis.call('ZCARD', KEYS[5]))
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
call_vector('ZREM', KEYS[13], members_of(uniques))
call_vector('HSET', KEYS[12], uniques)
call_vector('ZADD', KEYS[13], expiries)
rarely().expire_unique()
end
if fresh > 0 and redis.call('ZCARD', KEYS[15]) > 0 then rarely().expire_sessions() end
flush_stats()
wake()
flush_cfg()
return {'ok', states}
