-- Settles a job as cancelled, whether or not it is leased. ARGV: id, principal, error, retention
local id = ARGV[1]
if not visible(id, ARGV[2]) then return {'not_found'} end
local before = call('HGET', job_key(id), 'state')
local state = TRANSITIONS[before] and TRANSITIONS[before].cancelled
if not state then return {'settled'} end
settle(id, state, ARGV[3], before == 'running' and 1 or 0, ARGV[4])
notify('cancelled', id)
return {'ok', call('HGETALL', job_key(id))}
