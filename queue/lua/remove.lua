--! keys nil cfg ready alone delayed active own meta body done dead res uniq stat fails types wake events
--! use time base cfg stats meta rate ready unique done dead place
-- ARGV: ids. Everything of them is dropped, but for active ones: they are cancelled first. Answers,
-- for each, the state it was found in.
redis.call('DEL', K_nil)
local states = {}
for i = 1, #ARGV do
  local id = ARGV[i]
  local state, set = place_of(id)
  states[i] = state
  if state == 'done' then
    redis.call('ZREM', K_done, id)
    forget_done({id})
    count('removed', 1)
  elseif state ~= 'active' and state ~= 'unknown' then
    redis.call('ZREM', set, id)
    local meta = facts_of({id})[1]
    if state == 'ready' or state == 'alone' then count_type(meta, -1) end
    add_cfg(state == 'dead' and 'dead_bytes' or 'bytes', -forget({id}, {meta}))
    count('removed', 1)
  end
end
flush_ready()
flush_stats()
wake()
flush_cfg()
return states
