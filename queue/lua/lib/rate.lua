-- The rate bucket: at most rate_jobs claims in rate_per_ms, over all workers. In whole numbers: the
-- level is tokens · rate_per_ms, and grows by rate_jobs each ms.
local function rate_tokens()
  local jobs, per = num('rate_jobs', 0), num('rate_per_ms', 1000)
  if jobs <= 0 then return math.huge end
  -- A clock that stepped back must not close the bucket until it has caught up.
  if num('rate_at', now) > now then set_cfg('rate_at', now) end
  local grown = num('rate_level', jobs * per) + (now - num('rate_at', now)) * jobs
  local level = math.min(jobs * per, grown)
  return math.floor(level / per), level
end

local function take_tokens(n)
  local tokens, level = rate_tokens()
  if tokens == math.huge or n == 0 then return end
  set_cfg('rate_level', level - n * num('rate_per_ms', 1000))
  set_cfg('rate_at', now)
end

-- When the next token is there.
local function rate_opens()
  local _, level = rate_tokens()
  return now + math.ceil((num('rate_per_ms', 1000) - level) / num('rate_jobs', 1))
end
