-- Settles a job whose pages are all recorded. ARGV: id, node, token, whether the attempt counts, retention
local id = ARGV[1]
if not leased(id, ARGV[2], ARGV[3]) then return {'stale'} end
local f = fields(id, 'done', 'failed', 'total', 'state')
if tonumber(f[1]) < tonumber(f[3]) then return {'incomplete'} end
-- One successful page completes the job.
local cause = tonumber(f[1]) > tonumber(f[2]) and 'completed' or 'failed'
local state = TRANSITIONS[f[4]][cause]
local error = state == 'failed' and call('HGET', P .. 'errors:' .. id, '0') or nil
settle(id, state, error, tonumber(ARGV[4]), ARGV[5])
notify('changed', id)
return {'ok', call('HGETALL', job_key(id))}
