-- T:own: facts, cancelled (0|1), worker, fence (the epoch in 8 bytes). The layout lets a settlement
-- compare bytes instead of unpacking: see is_owner() and step.lua.
local EPOCH, WORKER, CANCELLED, FACTS = 1, 2, 3, 4

local function pack_fence(epoch)
  return struct.pack('>I8', epoch)
end
local function pack_own(fence, facts, cancelled, worker)
  return facts .. string.char(cancelled) .. worker .. fence
end
local function unpack_own(packed)
  local facts, at = unpack_facts(packed, 1)
  local fence_at = #packed - FENCE_BYTES + 1
  return {(struct.unpack('>I8', packed, fence_at)), string.sub(packed, at + 1, fence_at - 1),
          string.byte(packed, at), facts}
end

local function owns_of(ids)
  local owns = hash_values(K_own, ids)
  for i = 1, #ids do owns[i] = owns[i] and unpack_own(owns[i]) or false end
  return owns
end

-- The owns of the claims {id, fence} that are still this worker's, false where not.
local function owned(worker, ids, fences)
  local owns = hash_values(K_own, ids)
  for i = 1, #ids do
    local own = owns[i]
    owns[i] = own and is_owner(own, fences[i], worker) and unpack_own(own) or false
  end
  return owns
end
