--! keys nil cfg ready alone delayed active meta body types wake events
--! use time base cfg meta rate ready
-- A person's pause of claims, beside the pool's own. ARGV: who, or empty to resume. Answers who
-- held it before.
redis.call('DEL', K_nil)
local before = cfg.paused_by or ''
set_cfg('paused_by', ARGV[1])
if ARGV[1] == '' then spare_token = true end
wake()
flush_cfg()
return before
