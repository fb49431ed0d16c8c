--! keys nil cfg ready alone delayed active meta body retire types wake events
--! use time base cfg meta rate ready retire
-- ARGV: by (controller|person), term, n pod uids. The controller takes back its own retirements,
-- a person any. Answers {'stale', the queue's term} or {'ok', how many}.
redis.call('DEL', K_nil)
local by, term = ARGV[1], tonumber(ARGV[2])
if by ~= 'person' and num('term', 0) > term then return {'stale', num('term', 0)} end
local pods = {}
for i = 3, #ARGV do
  local there = retirement_of(ARGV[i])
  if there and (by == 'person' or there[BY] ~= 'person') then pods[#pods + 1] = ARGV[i] end
end
call_vector('HDEL', K_retire, pods)
-- Runners that sat idle, refused, may claim again.
if #pods > 0 then spare_token = true end
wake()
flush_cfg()
return {'ok', #pods}
