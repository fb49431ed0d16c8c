-- Counters of T:stat and entries of T:fails, collected and written once by flush_stats().
local FAILS = 100              -- entries of T:fails
local stats, fails = {}, {}

local function count(name, by)
  stats[name] = (stats[name] or 0) + by
end

-- Histograms with buckets of powers of two: bucket b holds values below 2^b ms.
local histograms = {duration = {}, pickup = {}}
local function count_ms(name, value)
  local _, bucket = math.frexp(value)
  local histogram = histograms[name]
  histogram[bucket] = (histogram[bucket] or 0) + 1
end

local function note_failure(id, kind, text)
  fails[#fails + 1] = cmsgpack.pack({id, now, kind, string.sub(text, 1, 200)})
end

local function flush_stats()
  for name, histogram in pairs(histograms) do
    for bucket, by in pairs(histogram) do
      count(name .. ':' .. text_of(math.min(bucket, 32)), by)
    end
  end
  local names = {}
  for name, by in pairs(stats) do
    if by ~= 0 then names[#names + 1] = name end
  end
  if #names == 1 then
    redis.call('HINCRBY', K_stat, names[1], text_of(stats[names[1]]))
  elseif #names > 1 then
    local values, fields = hash_values(K_stat, names), {}
    for i = 1, #names do
      fields[2 * i - 1] = names[i]
      fields[2 * i] = text_of(tonumber(values[i] or 0) + stats[names[i]])
    end
    call_vector('HSET', K_stat, fields)
  end
  if #fails > 0 then
    call_vector('LPUSH', K_fails, fails)
    redis.call('LTRIM', K_fails, 0, FAILS - 1)
  end
end
