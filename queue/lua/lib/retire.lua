-- Retired: by a person until undone, by the operator until the retirement lapses.
local function is_retired(pod)
  local packed = redis.call('HGET', K_retire, pod)
  if not packed then return false end
  local retirement = cmsgpack.unpack(packed)
  return retirement[3] == 'person' or retirement[2] > now
end
