-- Ends a job whose pages are all done. ARGV: id, node, token, whether the attempt counts, how long it is kept
local id = ARGV[1]
if not held(id, ARGV[2], ARGV[3]) then return {'lost'} end
local f = fields(id, 'done', 'failed', 'total', 'state')
if tonumber(f[1]) < tonumber(f[3]) then return {'missing'} end
-- Completed when at least one page succeeded.
local cause = tonumber(f[1]) > tonumber(f[2]) and 'completed' or 'failed'
local state = AFTER[f[4]][cause]
local error = state == 'failed' and call('HGET', P .. 'errors:' .. id, '0') or nil
finish(id, state, error, tonumber(ARGV[4]), ARGV[5])
tell('changed', id)
return {'ok', call('HGETALL', job_key(id))}
