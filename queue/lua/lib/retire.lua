-- Retired: by a person until undone, by the operator until the retirement lapses.
local TERM, UNTIL, BY = 1, 2, 3

local function retirement_of(pod)
  local packed = redis.call('HGET', K_retire, pod)
  return packed and cmsgpack.unpack(packed) or false
end

local function is_retired(pod)
  local retirement = retirement_of(pod)
  return retirement and (retirement[BY] == 'person' or retirement[UNTIL] > now)
end
