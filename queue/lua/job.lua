--! keys ready alone delayed active own meta body done dead res
--! use meta
-- One job, reads only. ARGV: id. Answers {state, meta fields…, score, own fields, body, result}.
local id = ARGV[1]
local packed = redis.call('HGET', K_meta, id)
if not packed then return {'unknown'} end
local meta = cmsgpack.unpack(packed)
local state, score = 'ready', redis.call('ZSCORE', K_ready, id)
if not score then state, score = 'alone', redis.call('ZSCORE', K_alone, id) end
if not score then state, score = 'delayed', redis.call('ZSCORE', K_delayed, id) end
if not score then state, score = 'active', redis.call('ZSCORE', K_active, id) end
if not score then state, score = 'done', redis.call('ZSCORE', K_done, id) end
if not score then state, score = 'dead', redis.call('ZSCORE', K_dead, id) end
if not score then state, score = 'unknown', 0 end
local own = redis.call('HGET', K_own, id)
own = own and cmsgpack.unpack(own) or {0, '', 0}
return {state, meta[PRIORITY], meta[ENQUEUED], meta[FAILURES], meta[CRASHES], meta[LOSSES],
        meta[DEFERRALS], tonumber(score), own[EPOCH], own[WORKER],
        redis.call('HGET', K_body, id), redis.call('HGET', K_res, id)}
