-- Which of the claims {id, epoch} are still this worker's: their owns, false where not.
local function owned(worker, ids, epochs)
  local owns = unpack_all(hash_values(K_own, ids))
  for i = 1, #ids do
    local own = owns[i]
    if own and not (own[EPOCH] == epochs[i] and own[WORKER] == worker) then owns[i] = false end
  end
  return owns
end
