-- A worker is `<pod uid>/<this process>`.
local function pod_of(worker)
  return string.match(worker, '^(.*)/[^/]*$') or worker
end
