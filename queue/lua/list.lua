--! keys ready alone delayed active done dead
-- A page of the ids in one state, reads only: the next to run, or the newest of the finished,
-- first. ARGV: state, offset, limit. Answers {how many there are, id, score, id, score, …}.
local sets = {ready = K_ready, alone = K_alone, delayed = K_delayed, active = K_active,
              done = K_done, dead = K_dead}
local set, from = sets[ARGV[1]], tonumber(ARGV[2])
local to = from + tonumber(ARGV[3]) - 1
local finished = ARGV[1] == 'done' or ARGV[1] == 'dead'
local page = redis.call(finished and 'ZREVRANGE' or 'ZRANGE', set, from, to, 'WITHSCORES')
local answer = {redis.call('ZCARD', set)}
for i = 1, #page, 2 do
  answer[#answer + 1] = page[i]
  answer[#answer + 1] = tonumber(page[i + 1])
end
return answer
