--! keys nil cfg ready alone delayed active own meta body done dead types wake events
--! use time base cfg meta rate ready place
-- ARGV: ids of delayed jobs that are to be ready now, at the end of their priority. Answers, for
-- each, the state it was found in; only delayed ones are changed.
redis.call('DEL', K_nil)
local states = {}
for i = 1, #ARGV do
  local id = ARGV[i]
  states[i] = place_of(id)
  if states[i] == 'delayed' then
    local meta = facts_of({id})[1]
    set_cfg('seq', num('seq', 0) + 1)
    meta[SEQ] = cfg.seq
    meta[SINCE] = now - meta[ENQUEUED]
    redis.call('ZREM', K_delayed, id)
    store(id, meta)
    enter_ready(id, meta)
  end
end
flush_facts()
flush_ready()
wake()
flush_cfg()
return states
