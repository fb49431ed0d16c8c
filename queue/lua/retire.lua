--! keys nil cfg held retire
--! use time base cfg retire
-- ARGV: by (controller|person), term, until when it holds from now in ms, n pod uids. Holds also
-- for a pod that has not registered yet, and for its next incarnation. A person's is never
-- replaced by the controller's. Answers {'stale', the queue's term} or {'ok', jobs that each pod
-- holds…}.
redis.call('DEL', K_nil)
local by, term, lapse = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
if by ~= 'person' and num('term', 0) > term then return {'stale', num('term', 0)} end
local fields, held = {}, {}
for i = 4, #ARGV do
  local pod = ARGV[i]
  local there = retirement_of(pod)
  if by == 'person' or not there or there[BY] ~= 'person' then
    fields[#fields + 1] = pod
    fields[#fields + 1] = cmsgpack.pack({term, now + lapse, by})
  end
  held[#held + 1] = redis.call('ZLEXCOUNT', K_held, '[' .. pod .. '/', '(' .. pod .. '0')
end
call_vector('HSET', K_retire, fields)
-- Retirements of pods that are long gone are forgotten, when there are many.
if redis.call('HLEN', K_retire) > 1000 then
  local all, gone = redis.call('HGETALL', K_retire), {}
  for i = 1, #all, 2 do
    local retirement = cmsgpack.unpack(all[i + 1])
    if retirement[BY] ~= 'person' and retirement[UNTIL] < now - 3600000 then
      gone[#gone + 1] = all[i]
    end
  end
  call_vector('HDEL', K_retire, gone)
end
return {'ok', held}
