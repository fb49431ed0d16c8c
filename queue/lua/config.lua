--! keys nil cfg ready active wake events
--! use time
-- The operator's write of T:cfg. ARGV: hash, owner, term, format, n, then n times: field, value.
-- Answers 'written', 'unchanged', 'stale' (a higher term was here) or 'owner' (another pool's).
redis.call('DEL', K_nil)
local hash, owner, term, format, n = ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4], tonumber(ARGV[5])
local there = redis.call('HMGET', K_cfg, 'hash', 'owner', 'term')
local before = there[2] or ''
if there[1] and before ~= owner and before ~= 'standalone' and before ~= 'orphaned' then
  -- uid@namespace/name: a pool that was deleted and made again takes over from itself.
  local name = string.match(before, '@.*$')
  if not name or name ~= string.match(owner, '@.*$') or tonumber(there[3] or 0) >= term then
    return 'owner'
  end
end
if there[2] == owner and tonumber(there[3] or 0) > term then return 'stale' end
if there[1] == hash and there[2] == owner and tonumber(there[3] or 0) == term then
  return 'unchanged'
end
local fields = {'hash', hash, 'owner', owner, 'term', ARGV[3], 'format', format}
for i = 1, n * 2 do fields[#fields + 1] = ARGV[5 + i] end
-- A shorter lease must not shorten the leases that are held: their workers renew at the old pace
-- until they hear of it.
local old_lease = tonumber(redis.call('HGET', K_cfg, 'lease_ms') or 0)
redis.call('HSET', K_cfg, unpack(fields))
if old_lease > tonumber(redis.call('HGET', K_cfg, 'lease_ms') or 0) then
  redis.call('HSET', K_cfg, 'lease_was', old_lease, 'lease_until', now + old_lease)
end

-- What is paused or limited may have changed: rule W again.
local cfg = redis.call('HMGET', K_cfg, 'paused', 'max_active')
local max_active = tonumber(cfg[2] or 0)
local claimable = redis.call('ZCARD', K_ready) > 0 and cfg[1] ~= '1' and
  (max_active == 0 or redis.call('ZCARD', K_active) < max_active)
local token = redis.call('LINDEX', K_wake, 0)
if claimable and not token then
  redis.call('LPUSH', K_wake, 'j')
elseif not claimable and token == 'j' then
  redis.call('DEL', K_wake)
end
return 'written'
