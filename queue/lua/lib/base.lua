-- Vector calls: the number of redis.call is what costs, not the number of members.
local MEMBERS = 4000           -- of one call; unpack fails at 8000

-- A list with room: growing one from nothing costs as much as all else that is done with it. What
-- is not overwritten is a zero: count what is used.
local function room_for(n)
  if n <= 8 then return {0, 0, 0, 0, 0, 0, 0, 0} end
  return {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
          0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
          0, 0}
end

-- n: how many of the values count, all when it is left out.
local function call_vector(command, key, values, n)
  n = n or #values
  for from = 1, n, MEMBERS do
    redis.call(command, key, unpack(values, from, math.min(from + MEMBERS - 1, n)))
  end
end

local function hash_values(key, fields)
  if #fields <= MEMBERS then
    return #fields > 0 and redis.call('HMGET', key, unpack(fields)) or {}
  end
  local values = {}
  for from = 1, #fields, MEMBERS do
    local page = redis.call('HMGET', key,
                            unpack(fields, from, math.min(from + MEMBERS - 1, #fields)))
    for i = 1, #page do values[#values + 1] = page[i] end
  end
  return values
end

local function unpack_all(packed)
  local out = {}
  for i = 1, #packed do out[i] = packed[i] and cmsgpack.unpack(packed[i]) or false end
  return out
end

-- Takes the first members of a sorted set: ZPOPMIN in half of its time, for it answers no scores.
local function pop_first(key, n)
  local members = redis.call('ZRANGE', key, '0', text_of(n - 1))
  if #members > 0 then redis.call('ZREMRANGEBYRANK', key, '0', text_of(#members - 1)) end
  return members
end

-- The members of ZRANGE … WITHSCORES without their scores.
local function members_of(pairs_with_scores)
  local members = {}
  for i = 1, #pairs_with_scores, 2 do members[#members + 1] = pairs_with_scores[i] end
  return members
end
