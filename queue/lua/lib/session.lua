-- Sessions: a small document that jobs share, opaque here. T:sess name → packed {version, bytes};
-- T:sessexp name → when it goes. It begins as "{}" with the first job that names it. Its first
-- version is the time in µs: one that began anew must not look like the one that a slow job read.
local function read_session(name)
  local expiry = redis.call('ZSCORE', K_sessexp, name)
  if not expiry or tonumber(expiry) <= now then return false end
  local packed = redis.call('HGET', K_sess, name)
  return packed and cmsgpack.unpack(packed) or false
end

local function write_session(name, version, document)
  local before = redis.call('HSTRLEN', K_sess, name)
  local packed = cmsgpack.pack({version, document})
  redis.call('HSET', K_sess, name, packed)
  add_cfg('bytes', #packed - before)
end

-- Named by a job that may run until `until_ms`: it is kept for its time to live after that.
local function touch_session(name, until_ms)
  if not read_session(name) then
    local time = redis.call('TIME')
    write_session(name, time[1] * 1000000 + time[2], '{}')
  end
  local expiry = until_ms + num('session_ttl_ms', 86400000)
  local there = redis.call('ZSCORE', K_sessexp, name)
  if not there or tonumber(there) < expiry then redis.call('ZADD', K_sessexp, expiry, name) end
end
