-- Redis's own time in ms: the only clock that every party shares.
local function now_ms()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end

local now = now_ms()

-- A time as text, once for a whole vector: Redis prints numbers by %.17g, which is slow.
local function text_of(ms)
  return string.format('%.0f', ms)
end
