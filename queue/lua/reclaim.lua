--! keys nil cfg ready alone delayed active own held meta body done dead res uniq workers winfo stat fails types wake events
--! use time base cfg stats meta fence own rate ready unique done dead worker back
-- These pods or workers are gone. ARGV: term, cause (crash|loss), reason, except (a living worker,
-- or empty), then pod uids or workers. Answers {'stale', the queue's term} or {'ok', taken, left}:
-- call again while some are left.
redis.call('DEL', K_nil)
if num('term', 0) > tonumber(ARGV[1]) then return {'stale', num('term', 0)} end
local cause, reason, except = ARGV[2], ARGV[3], ARGV[4]
if except == '' then except = nil end
local taken, left, gone = 0, 0, {}
for i = 5, #ARGV do
  local name = ARGV[i]
  if taken < PAGE then
    local more
    if cause == 'crash' then
      local t
      t, more = take_back_crashed(name, except, reason)
      taken = taken + t
    else
      local ids, owns
      ids, owns, more = held_by(name, except)
      taken = taken + take_back(ids, owns, 'loss', reason)
    end
    left = left + more
    if more == 0 then gone[name] = true end
  else
    left = left + redis.call('ZLEXCOUNT', K_held, '[' .. name .. '/', '(' .. name .. '0')
  end
end
for _, worker in ipairs(redis.call('ZRANGE', K_workers, 0, 1999)) do
  if worker ~= except and (gone[worker] or gone[pod_of(worker)]) then forget_worker(worker) end
end
flush_stats()
wake()
flush_cfg()
return {'ok', taken, left}
