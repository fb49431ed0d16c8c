--! keys nil cfg ready alone delayed active own meta body done dead stat fails types wake events
--! use time base cfg stats meta rate ready place
-- ARGV: limit, ids. Dead jobs begin anew: nothing is counted against them any more, their history
-- stays, and a suspect still runs alone. Without ids the oldest `limit`. Answers, for each, its id
-- and the state it was found in; only dead ones are changed.
redis.call('DEL', K_nil)
local ids, states = {}, {}
for i = 2, #ARGV do ids[i - 1] = ARGV[i] end
if #ids == 0 then ids = redis.call('ZRANGE', K_dead, 0, tonumber(ARGV[1]) - 1) end
local gone = {}
for i = 1, #ids do
  local id = ids[i]
  local state = place_of(id)
  states[2 * i - 1], states[2 * i] = id, state
  if state == 'dead' and not gone[id] then
    gone[id] = true
    local meta = facts_of({id})[1]
    set_cfg('seq', num('seq', 0) + 1)
    meta[SEQ] = cfg.seq
    meta[SINCE] = now - meta[ENQUEUED]
    meta[FAILURES], meta[CRASHES], meta[LOSSES], meta[DEFERRALS] = 0, 0, 0, 0
    add_cfg('dead_bytes', -meta[BYTES])
    add_cfg('bytes', meta[BYTES])
    redis.call('ZREM', K_dead, id)
    store(id, meta)
    enter_ready(id, meta)
    count('redriven', 1)
  end
end
flush_facts()
flush_ready()
flush_stats()
wake()
flush_cfg()
return states
