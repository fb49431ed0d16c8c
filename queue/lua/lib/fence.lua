-- The fence of a claim: the epoch in 8 bytes, the end of T:own (own.lua).
local FENCE_BYTES = 8

-- Whether a claim is still this worker's. A worker's name holds no control characters: the byte
-- before it tells a name from the end of a longer one.
local function is_owner(own, fence, worker)
  return string.sub(own, -FENCE_BYTES) == fence and
    string.sub(own, -FENCE_BYTES - #worker, -FENCE_BYTES - 1) == worker and
    string.byte(own, -FENCE_BYTES - #worker - 1) <= 1
end
