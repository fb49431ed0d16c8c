-- Counters of T:stat, collected and written once.
local stats = {}
local function count(name, by)
  stats[name] = (stats[name] or 0) + by
end
local function flush_stats()
  for name, by in pairs(stats) do
    if by ~= 0 then redis.call('HINCRBY', K_stat, name, by) end
  end
end

-- Histograms with buckets of powers of two: bucket b holds values below 2^b ms.
local function count_ms(prefix, value)
  local bucket, bound = 0, 1
  while value >= bound and bucket < 32 do
    bucket, bound = bucket + 1, bound * 2
  end
  count(prefix .. ':' .. string.format('%.0f', bucket), 1)
end
