--! keys nil cfg ready alone delayed active own held meta body done dead res uniq workers winfo stat fails types wake events
--! use time base cfg stats meta fence own rate ready unique done dead worker back
-- ARGV: worker, kind (released|interrupted|aside), leave (0|1), n, then n times: id, fence.
-- Answers how many were still this worker's.
redis.call('DEL', K_nil)
local worker, kind, leave, n = ARGV[1], ARGV[2], ARGV[3] == '1', tonumber(ARGV[4])
local ids, fences, named = {}, {}, {}
for i = 1, n do
  local id = ARGV[3 + i * 2]
  if not named[id] then
    named[id] = true
    ids[#ids + 1], fences[#fences + 1] = id, ARGV[4 + i * 2]
  end
end
local released = take_back(ids, owned(worker, ids, fences), kind, 'stopped by its worker')
if leave then forget_worker(worker) end
flush_stats()
wake()
flush_cfg()
return released
