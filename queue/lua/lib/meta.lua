-- T:meta and T:own: small packed arrays, so that a job costs few bytes.
local PRIORITY, SEQ, ENQUEUED, SINCE, FAILURES, CRASHES, LOSSES, DEFERRALS, BYTES, FLAGS, TYPE =
  1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11
local SUSPECT = 1              -- FLAGS: the only one yet

local EPOCH, WORKER, CANCELLED = 1, 2, 3

local BAND = 35184372088832    -- 2^45: room for the seq below each priority

local function score_of(meta)
  return (255 - meta[PRIORITY]) * BAND + meta[SEQ]
end

local function unpack_all(packed)
  local out = {}
  for i = 1, #packed do
    out[i] = packed[i] and cmsgpack.unpack(packed[i]) or false
  end
  return out
end
