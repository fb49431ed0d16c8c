--! keys nil cfg ready alone delayed active own meta body done dead res uniq stat fails types wake events
--! use time base cfg stats meta fence own rate ready unique done dead place
-- ARGV: ids. A waiting job is dead at once; a running one is marked: its worker hears of it with
-- its next beat, and however it ends but completed, it never runs again. Answers, for each, the
-- state it was found in; 'done', 'dead' and 'unknown' are left as they were.
redis.call('DEL', K_nil)
local states, waiting = {}, {}
for i = 1, #ARGV do
  local id = ARGV[i]
  local state, set = place_of(id)
  states[i] = state
  if state == 'active' then
    local own = owns_of({id})[1]
    redis.call('HSET', K_own, id,
               pack_own(pack_fence(own[EPOCH]), pack_facts(own[FACTS]), 1, own[WORKER]))
  elseif state == 'ready' or state == 'alone' or state == 'delayed' then
    redis.call('ZREM', set, id)
    local meta = facts_of({id})[1]
    if state ~= 'delayed' then count_type(meta, -1) end
    count('cancelled', 1)
    note_failure(id, 'cancelled', 'cancelled')
    remember(id, 'cancelled', 'cancelled', '')
    bury(id, meta)
  end
end
flush_buried()
flush_ready()
flush_stats()
wake()
flush_cfg()
return states
