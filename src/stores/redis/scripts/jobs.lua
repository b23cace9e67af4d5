-- A stretch of the list of jobs, newest first. ARGV: principal (empty: all), below (a job's number, empty: none), how many
local key = ARGV[1] == '' and P .. 'all' or P .. 'of:' .. ARGV[1]
local below, found = ARGV[2] == '' and '+inf' or '(' .. ARGV[2], {}
for _, id in ipairs(call('ZREVRANGEBYSCORE', key, below, '-inf', 'LIMIT', 0, ARGV[3])) do
  found[#found + 1] = {id, call('HGETALL', job_key(id))}
end
return found
