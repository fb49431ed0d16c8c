--! keys ready alone delayed active own meta body done dead res types
--! use base meta fence own
-- One job, reads only. ARGV: id. Answers {state, facts…, score, own, session, unique, body, result,
-- type}: the type only where the body, which tells it, is not kept.
local id = ARGV[1]
local state, score = 'ready', redis.call('ZSCORE', K_ready, id)
if not score then state, score = 'alone', redis.call('ZSCORE', K_alone, id) end
if not score then state, score = 'delayed', redis.call('ZSCORE', K_delayed, id) end
if not score then state, score = 'active', redis.call('ZSCORE', K_active, id) end
if not score then state, score = 'done', redis.call('ZSCORE', K_done, id) end
if not score then state, score = 'dead', redis.call('ZSCORE', K_dead, id) end
if not score then return {'unknown'} end
local own = redis.call('HGET', K_own, id)
own = own and unpack_own(own) or {0, '', 0}
local body, result = redis.call('HGET', K_body, id), redis.call('HGET', K_res, id)
local meta = own[FACTS]
if not meta and state == 'done' and result then
  meta = (unpack_facts(cmsgpack.unpack(result).f, 1))
end
if not meta then meta = facts_of({id})[1] end
if not meta then return {'unknown'} end
local type_name = ''
if not body then
  local names = redis.call('HGETALL', K_types)     -- 32 at most
  for i = 1, #names, 2 do
    if string.sub(names[i], 1, 1) == '#' and tonumber(names[i + 1]) == meta[TYPE] then
      type_name = string.sub(names[i], 2)
    end
  end
end
return {state, meta[PRIORITY], meta[ENQUEUED], meta[FAILURES], meta[CRASHES], meta[LOSSES],
        meta[DEFERRALS], tonumber(score), own[EPOCH], own[WORKER], own[CANCELLED],
        meta[SESSION] or '', meta[UNIQUE] or '', body and string.sub(body, 1, -TAIL_BYTES - 1), result,
        type_name}
