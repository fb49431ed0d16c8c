-- T:cfg: read once, what a script changes of it written once by flush_cfg().
local CFG = {
  'hash', 'owner', 'term', 'format', 'paused', 'paused_by',
  'lease_ms', 'lease_was', 'lease_until', 'seen', 'hold', 'clamp',
  'seq', 'epoch', 'bytes', 'dead_bytes', 'kept', 'solo', 'reserved',
  'max_depth', 'max_bytes', 'max_payload', 'max_active',
  'rate_jobs', 'rate_per_ms', 'rate_level', 'rate_at',
  'max_attempts', 'max_crashes', 'max_losses',
  'backoff_initial_ms', 'backoff_factor', 'backoff_max_ms', 'backoff_jitter_percent',
  'keep_done_count', 'keep_done_age_ms', 'keep_dead_count', 'keep_dead_age_ms',
  'keep_dead_bytes', 'keep_payloads', 'session_max_bytes', 'session_ttl_ms',
}
local cfg, cfg_changed = {}, {}
for i, value in ipairs(redis.call('HMGET', K_cfg, unpack(CFG))) do cfg[CFG[i]] = value end

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
    fields[#fields + 1] = cfg[field]
  end
  call_vector('HSET', K_cfg, fields)
end

-- Claims stand still: for the pool's spec, or for a person.
local function is_paused()
  return cfg.paused == '1' or (cfg.paused_by or '') ~= ''
end
