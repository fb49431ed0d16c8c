--! keys nil cfg ready alone delayed active meta body types wake events
--! use time base cfg meta rate ready
-- The operator's write of T:cfg. ARGV: hash, owner, term, format, n, then n times: field, value.
-- Answers 'written', 'unchanged', 'stale' (a higher term was here) or 'owner' (another pool's).
redis.call('DEL', K_nil)
local hash, owner, term, format, n = ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4], tonumber(ARGV[5])
local before, term_before = cfg.owner or '', num('term', 0)
if cfg.hash and before ~= owner and before ~= 'standalone' and before ~= 'orphaned' then
  -- uid@namespace/name: a pool that was deleted and made again takes over from itself.
  local name = string.match(before, '@.*$')
  if not name or name ~= string.match(owner, '@.*$') or term_before >= term then return 'owner' end
end
if (before == owner or before == 'orphaned') and term_before > term then return 'stale' end
if cfg.hash == hash and before == owner and term_before == term then return 'unchanged' end
-- A shorter lease must not shorten the leases that are held: their workers renew at the old pace
-- until they hear of it.
local old_lease = num('lease_ms', 0)
set_cfg('hash', hash)
set_cfg('owner', owner)
set_cfg('term', ARGV[3])
set_cfg('format', format)
for i = 1, n do set_cfg(ARGV[4 + i * 2], ARGV[5 + i * 2]) end
if old_lease > num('lease_ms', 0) then
  set_cfg('lease_was', old_lease)
  set_cfg('lease_until', now + old_lease)
end
-- What is paused or limited may have changed: rule W again.
wake()
flush_cfg()
return 'written'
