--! keys nil cfg ready alone delayed active own held meta body done dead res uniq uniqexp sess sessexp workers winfo stat fails types wake events
--! use time base cfg stats meta fence own rate ready unique session expire done dead worker back hold maintain
-- What STEP does in passing, for a queue that no worker serves at the moment: promote, reap, and
-- drop what is kept no longer. Answers {promoted, reaped, dropped}.
redis.call('DEL', K_nil)
update_hold()
local promoted, reaped = promote_due(), reap()
clamp()
local dropped = trim_done(TRIM) + trim_dead(TRIM)
expire_unique()
expire_sessions()
flush_stats()
wake()
flush_cfg()
return {promoted, reaped, dropped}
