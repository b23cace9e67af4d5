-- Sets a job's number of crashes to 0. ARGV: id, node, token
if not leased(ARGV[1], ARGV[2], ARGV[3]) then return {'stale'} end
call('HSET', job_key(ARGV[1]), 'crashes', 0)
return {'ok'}
