-- Returns jobs, newest first. ARGV: principal (empty: all), cursor (a job's seq; empty: the newest), limit, limit of the
-- packed requests in bytes; at least one job is returned
local key = ARGV[1] == '' and P .. 'jobs' or P .. 'jobs_of:' .. ARGV[1]
local below, found, bytes = ARGV[2] == '' and '+inf' or '(' .. ARGV[2], {}, 0
for _, id in ipairs(call('ZREVRANGEBYSCORE', key, below, '-inf', 'LIMIT', 0, ARGV[3])) do
  bytes = bytes + call('HSTRLEN', job_key(id), 'spec')
  if #found > 0 and bytes > tonumber(ARGV[4]) then break end
  found[#found + 1] = {id, call('HGETALL', job_key(id))}
end
return found
