--! keys nil cfg
--! use time base cfg
-- The pool is deleted: producers hear that nobody serves the queue; its jobs stay, and the next
-- pool takes them over. ARGV: owner, term. Answers 'written', 'unchanged', 'stale' or 'owner'.
redis.call('DEL', K_nil)
if not cfg.hash or cfg.owner == 'orphaned' then return 'unchanged' end
if cfg.owner ~= ARGV[1] then return 'owner' end
if num('term', 0) > tonumber(ARGV[2]) then return 'stale' end
set_cfg('owner', 'orphaned')
flush_cfg()
return 'written'
