-- Returns a job to its queue. ARGV: id, node, token, delay, reason, attempts to count, what to do with the number of crashes
if not leased(ARGV[1], ARGV[2], ARGV[3]) then return {'stale'} end
release(ARGV[1], tonumber(ARGV[4]), ARGV[5], ARGV[6], ARGV[7])
notify('ready', call('HGET', job_key(ARGV[1]), 'kind'))
return {'ok'}
