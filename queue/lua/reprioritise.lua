--! keys nil cfg ready alone delayed active own meta body done dead types wake events
--! use time base cfg meta rate ready place
-- ARGV: priority, ids. A job keeps its place among equals: its seq. Answers, for each, the state it
-- was found in; only waiting and delayed ones are changed.
redis.call('DEL', K_nil)
local priority, states = tonumber(ARGV[1]), {}
for i = 2, #ARGV do
  local id = ARGV[i]
  local state, set = place_of(id)
  states[#states + 1] = state
  if state == 'ready' or state == 'alone' or state == 'delayed' then
    local meta = facts_of({id})[1]
    meta[PRIORITY] = priority
    store(id, meta)
    if state ~= 'delayed' then redis.call('ZADD', set, score_of(meta), id) end
  end
end
flush_facts()
wake()
flush_cfg()
return states
