-- T:own: the fence of an active job, packed: epoch, worker, cancelled, then the job's facts.
local EPOCH, WORKER, CANCELLED, FACTS = 1, 2, 3, 4
local OWN = '>I8Bc0B'

local function pack_own(epoch, worker, cancelled, facts)
  return struct.pack(OWN, epoch, #worker, worker, cancelled) .. facts
end
local function unpack_own(packed)
  local epoch, worker, cancelled, at = struct.unpack(OWN, packed)
  return {epoch, worker, cancelled, unpack_facts(packed, at)}
end

local function owns_of(ids)
  local owns = hash_values(K_own, ids)
  for i = 1, #ids do owns[i] = owns[i] and unpack_own(owns[i]) or false end
  return owns
end

-- Which of the claims {id, epoch} are still this worker's: their owns, false where not.
local function owned(worker, ids, epochs)
  local owns = owns_of(ids)
  for i = 1, #ids do
    local own = owns[i]
    if own and not (own[EPOCH] == epochs[i] and own[WORKER] == worker) then owns[i] = false end
  end
  return owns
end
