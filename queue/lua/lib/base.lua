-- A list of values on one vector call, nothing when the list is empty.
local function call_vector(command, key, values)
  if #values > 0 then return redis.call(command, key, unpack(values)) end
  return {}
end

local function hash_values(key, fields)
  if #fields == 0 then return {} end
  return redis.call('HMGET', key, unpack(fields))
end
