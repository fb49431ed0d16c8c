--! keys nil cfg ready alone delayed active meta body done dead res uniq stat fails types wake events
--! use time base cfg stats meta rate ready unique done dead
-- ARGV: state (waiting|delayed|done|dead), limit. Drops jobs, the first of them first. Answers
-- {dropped, left}.
redis.call('DEL', K_nil)
local state, limit = ARGV[1], tonumber(ARGV[2])
local sets = {waiting = {K_alone, K_ready}, delayed = {K_delayed}, done = {K_done}, dead = {K_dead}}
local dropped, left = 0, 0
for _, set in ipairs(sets[state]) do
  local ids = {}
  if dropped < limit then
    ids = pop_first(set, limit - dropped)
  end
  if state == 'done' then
    forget_done(ids)
  else
    local metas = facts_of(ids)
    if state == 'waiting' then
      for i = 1, #ids do count_type(metas[i], -1) end
    end
    add_cfg(state == 'dead' and 'dead_bytes' or 'bytes', -forget(ids, metas))
  end
  dropped = dropped + #ids
  left = left + redis.call('ZCARD', set)
end
count('removed', dropped)
flush_ready()
flush_stats()
wake()
flush_cfg()
return {dropped, left}
