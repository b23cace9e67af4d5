-- Ends a job as cancelled, whoever works on it. ARGV: id, principal, the reason, how long it is kept
if not visible(ARGV[1], ARGV[2]) then return {'unknown'} end
local before = call('HGET', job_key(ARGV[1]), 'state')
local state = AFTER[before] and AFTER[before].cancelled
if not state then return {'settled'} end
finish(ARGV[1], state, ARGV[3], before == 'running' and 1 or 0, ARGV[4])
tell('cancelled', ARGV[1])
return {'ok', call('HGETALL', job_key(ARGV[1]))}
