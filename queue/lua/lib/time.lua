-- Redis's own time in ms: the only clock that every party shares.
local function now_ms()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end

local now = now_ms()

-- A whole number as text. Redis itself prints numbers by %.17g, which takes five times as long;
-- and Lua's own conversion keeps 14 digits only.
local function text_of(number)
  return string.format('%d', number)
end
local now_text = text_of(now)
