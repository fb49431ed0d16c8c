-- T:cfg: what nearly every call of a script needs is read at once, the rest when it asks for it;
-- what changes is written once, by flush_cfg(). A script names the former by `--! config`, and they
-- are put in here: CONFIG_FIELDS are 'hash', 'paused', …, and CONFIG_VALUES hash = first[1], … .
local first = redis.call('HMGET', K_cfg, CONFIG_FIELDS)
local cfg, cfg_changed = {CONFIG_VALUES}, {}
setmetatable(cfg, {__index = function(_, field)
  local fields = {
    'hash', 'paused', 'paused_by', 'lease_ms', 'seen', 'hold', 'clamp', 'seq', 'epoch', 'bytes',
    'kept', 'solo', 'max_active', 'rate_jobs', 'keep_done_count', 'keep_done_age_ms',
    'keep_payloads', 'owner', 'term', 'format', 'lease_was', 'lease_until', 'dead_bytes',
    'reserved', 'max_depth', 'max_bytes', 'max_payload', 'rate_per_ms', 'rate_level', 'rate_at',
    'max_attempts', 'max_crashes', 'max_losses', 'backoff_initial_ms', 'backoff_factor',
    'backoff_max_ms', 'backoff_jitter_percent', 'keep_dead_count', 'keep_dead_age_ms',
    'keep_dead_bytes', 'session_max_bytes', 'session_ttl_ms'}
  local values = redis.call('HMGET', K_cfg, unpack(fields))
  for i = 1, #fields do
    if rawget(cfg, fields[i]) == nil then cfg[fields[i]] = values[i] end
  end
  return rawget(cfg, field)
end})

local function num(field, default)
  return tonumber(cfg[field] or default)
end

local function set_cfg(field, value)
  cfg[field] = value
  cfg_changed[field] = true
end

local function add_cfg(field, by)
  if by ~= 0 then set_cfg(field, num(field, 0) + by) end
end

local function flush_cfg()
  local fields = {}
  for field in pairs(cfg_changed) do
    fields[#fields + 1] = field
    local value = cfg[field]
    fields[#fields + 1] = type(value) == 'number' and text_of(value) or value
  end
  call_vector('HSET', K_cfg, fields)
end

-- Claims stand still: for the pool's spec, or for a person.
local function is_paused()
  return cfg.paused == '1' or (cfg.paused_by or '') ~= ''
end
